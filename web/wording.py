"""What is wrong with a body, in sentences of ours: the framework's say neither what was sent nor what is wanted."""

import json
from collections.abc import Iterator, Mapping

from django import forms
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

LONGEST_QUOTED = 80
SAID = "said"  # code of an error whose sentence is ours already
WANTED = (  # the first class that fits
    (serializers.BooleanField, "true or false"),
    (serializers.IntegerField, "a whole number"),
    (serializers.FloatField, "a number"),
    (serializers.DateTimeField, "a moment such as 2026-01-31T09:30:00Z"),
    (serializers.DateField, "a day such as 2026-01-31"),
    (serializers.ListField, "a list"),
    (serializers.ListSerializer, "a list"),
    (serializers.BaseSerializer, "an object"),
    (serializers.Field, "a text"),
)


def quoted(value: object) -> str:
    """A value as a sentence shows it, cut where it is long."""
    text = repr(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_QUOTED else f"{text[:LONGEST_QUOTED]}…"


def unknown_fields(serializer: serializers.Serializer, data: object) -> dict[str, list[ErrorDetail]]:
    """A sentence for each field that the serializer does not have."""
    unknown = sorted(set(data) - set(serializer.fields)) if isinstance(data, Mapping) else []
    sentence = f"There is no such field. The fields here are: {', '.join(serializer.fields)}."
    return {name: [ErrorDetail(sentence, SAID)] for name in unknown}


def in_our_words(serializer: serializers.Serializer, data: object, detail: Mapping) -> dict:
    """The faults that the framework found in `data`, each in a sentence of ours; nested ones have theirs already."""
    if not isinstance(data, Mapping):
        return {"non_field_errors": [ErrorDetail(f"One JSON object is wanted here, got {quoted(data)}.", SAID)]}
    return {
        name: _of_field(serializer.fields[name], data.get(name), faults) if name in serializer.fields else faults
        for name, faults in detail.items()
    }


def pointed(detail, pointer: str = "") -> Iterator[tuple[str, str]]:
    """DRF's nested error detail as pairs of a JSON pointer (RFC 6901) and a sentence."""
    if isinstance(detail, Mapping):
        for field, inner in detail.items():
            step = "" if field == "non_field_errors" else f"/{escaped(field)}"
            yield from pointed(inner, pointer + step)
    elif isinstance(detail, list):
        for words in detail:
            yield pointer, str(words)
    else:
        yield pointer, str(detail)


def faults_of_query(form: forms.BaseForm) -> dict[str, str]:
    """A sentence for each parameter of an address that a form refuses."""
    return {
        name: " ".join(_of_parameter(form.fields[name], problem) for problem in problems)
        for name, problems in form.errors.as_data().items()
    }


def _of_parameter(field: forms.Field, problem: forms.ValidationError) -> str:
    params = problem.params or {}
    if problem.code == "invalid_choice":
        offered = ", ".join(str(value) for value, _ in field.choices if value != "")
        return f"One of {offered or 'nothing, for there is none,'} is wanted, got {quoted(params.get('value'))}."
    if problem.code == "max_length":
        return f"At most {params['limit_value']} characters are wanted, got {params['show_value']}."
    if problem.code == "null_characters_not_allowed":
        return "A text cannot hold the character NUL."
    return " ".join(problem.messages)


def escaped(step: object) -> str:
    """One step of a JSON pointer."""
    return str(step).replace("~", "~0").replace("/", "~1")


def _of_field(field: serializers.Field, value: object, faults):
    """`faults` is a list of sentences; of a list's items, a dictionary by their places."""
    if isinstance(faults, Mapping) and "non_field_errors" in faults:
        return {"non_field_errors": _of_field(field, value, faults["non_field_errors"])}
    if isinstance(faults, Mapping) and isinstance(field, (serializers.ListField, serializers.ListSerializer)):
        return {place: _of_field(field.child, value[place], inner) for place, inner in faults.items()}
    if isinstance(faults, Mapping):
        return faults
    return [ErrorDetail(_sentence(field, value, fault), SAID) for fault in faults]


def _sentence(field: serializers.Field, value: object, fault: ErrorDetail) -> str:
    say = SENTENCES.get(fault.code)
    is_ours = fault.code == SAID or (fault.code == "invalid" and not _is_frameworks(field, fault))
    return str(fault) if is_ours or say is None else say(field, value)


def _is_frameworks(field: serializers.Field, fault: ErrorDetail) -> bool:
    """Whether a fault of the catch-all code is the framework's own, or a sentence that a validator of ours gave."""
    return any(str(fault).startswith(str(words).partition("{")[0]) for words in field.default_error_messages.values())


def _wanted(field: serializers.Field) -> str:
    if isinstance(field, serializers.ChoiceField):
        return f"One of {', '.join(map(str, field.choices))} is wanted"
    words = next(words for kind, words in WANTED if isinstance(field, kind))
    return f"{words[0].upper()}{words[1:]} is wanted"


def _missing(field: serializers.Field, value: object) -> str:
    return f"This is missing. {_wanted(field)}{f': {field.help_text}' if field.help_text else ''}."


def _other(field: serializers.Field, value: object) -> str:
    return f"{_wanted(field)}, got {quoted(value)}."


SENTENCES = {
    "required": _missing,
    "null": _other,
    "blank": lambda field, value: f"{_wanted(field)}, got an empty one.",
    "empty": lambda field, value: "At least one is wanted, got an empty list.",
    "max_length": lambda field, value: f"At most {field.max_length} characters are wanted, got {len(str(value))}.",
    "min_value": lambda field, value: f"At least {field.min_value} is wanted, got {quoted(value)}.",
    "max_value": lambda field, value: f"At most {field.max_value} is wanted, got {quoted(value)}.",
    "null_characters_not_allowed": lambda field, value: "A text cannot hold the character NUL.",
    "surrogate_characters_not_allowed": lambda field, value: "A text cannot hold half of a surrogate pair.",
} | dict.fromkeys(
    ("invalid", "invalid_choice", "not_a_list", "date", "datetime", "make_aware", "overflow", "max_string_length"),
    _other,
)
