"""Governed rows in words: what a field is called, what its value means, and what a record of the trail is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, ForeignKey, Model

from accounts.models import Person, Unit
from figures.wording import bytes_text, is_number, number_text
from inventory.models import Model as RegisteredModel

SUBJECT = re.compile(r"([a-z]+\.[a-z]+):(\d+)")
# What people call a record, where the name of its table is another.
KINDS = {
    "accounts.apitoken": "API token",
    "accounts.roleassignment": "Role",
    "audit.artefact": "Stored file",
    "audit.attachment": "File",
    "audit.epoch": "Epoch of the log",
    "inventory.assessment": "Rating",
    "inventory.asset": "Part of the network",
    "inventory.fielddefinition": "Field of the record",
    "inventory.modelversion": "Version",
    "inventory.reviewmark": "Review asked for",
    "inventory.tieringscheme": "Tiering scheme",
    "inventory.tieroverride": "Override of a tier",
    "inventory.verdict": "Verdict of scope",
    "monitoring.explanation": "SHAP report",
    "proposals.proposal": "Proposal",
}
# The part of a row, or of an entry's data, that names its record to people.
NAMES = ("run", "label", "name", "hr_number", "ref")
BYTES = ("size", "artefact_bytes")
LABELS = {
    "sha256": "SHA-256",
    "hr_number": "HR number",
    "mlflow_uri": "MLflow address",
    "artefact_bytes": "Artefact size",
}

# subject → name
Named = Mapping[str, str]


@cache
def model_of(table: str) -> type[Model] | None:
    return next((model for model in apps.get_models() if model._meta.db_table == table), None)


def field_of(table: str, column: str) -> Field | None:
    """The field that a column belongs to; None where a migration has removed it since."""
    model = model_of(table)
    try:
        return model._meta.get_field(column.removesuffix("_id")) if model else None
    except FieldDoesNotExist:
        return None


def label_of(table: str, column: str) -> str:
    field = field_of(table, column)
    words = str(field.verbose_name) if field else column.replace("_", " ")
    return LABELS.get(column) or f"{words[:1].upper()}{words[1:]}".replace("sha256", "SHA-256")


def names_of(rows: Iterable) -> Named:
    """Names of the people, units and models that rows mention; three queries, however many rows."""
    subjects = {subject for row in rows for subject in [row.subject, row.trail, *_mentioned(row)]}
    wanted = {subject.partition(":")[0]: set() for subject in subjects}
    for subject in subjects:
        label, _, pk = subject.partition(":")
        wanted[label] |= {pk}
    people = Person.objects.filter(pk__in=wanted.get("accounts.person", ())).select_related("details")
    units = Unit.objects.filter(pk__in=wanted.get("accounts.unit", ()))
    models = RegisteredModel.objects.filter(pk__in=wanted.get("inventory.model", ()))
    return (
        {f"accounts.person:{person.pk}": str(person) for person in people}
        | {f"accounts.unit:{unit.pk}": unit.name for unit in units}
        | {f"inventory.model:{model.pk}": model.name for model in models}
    )


def _mentioned(row) -> Iterable[str]:
    """Records that a row points to."""
    for column, value in row.row.items():
        if value is not None and isinstance(field := field_of(row.table_name, column), ForeignKey):
            yield f"{field.related_model._meta.label_lower}:{value}"


def record_words(subject: str, named: Named, told: Mapping) -> str:
    """A record of the trail as people call it: "SHAP report, Oct 2026". told: its row, or its entry's data."""
    label, _, pk = subject.partition(":")
    kind = KINDS.get(label) or _verbose(label)
    name = named.get(subject) or next((str(told[part]) for part in NAMES if told.get(part)), "")
    if not name and told.get("window"):
        return f"{kind}, {told['window']}"
    return f"{kind} {name or f'no. {pk}'}"


def _verbose(label: str) -> str:
    try:
        words = str(apps.get_model(label)._meta.verbose_name)
    except (LookupError, ValueError):
        return label
    return f"{words[:1].upper()}{words[1:]}"


def value_words(table: str, column: str, value: object, named: Named) -> str:
    """A stored value as a page writes it."""
    field = field_of(table, column)
    if value is None or value in ("", [], {}):
        return "empty"
    if isinstance(field, ForeignKey):
        return record_words(f"{field.related_model._meta.label_lower}:{value}", named, {})
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if is_number(value):
        return bytes_text(value) if column in BYTES else number_text(value)
    if isinstance(value, str):
        chosen = dict(field.flatchoices).get(value) if field else None
        return str(chosen or (record_words(value, named, {}) if SUBJECT.fullmatch(value) else value))
    return json.dumps(value, ensure_ascii=False)
