"""Two people edit one record: the second is told what changed, field by field, and keeps what was typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django import forms
from django.http import QueryDict


@dataclass(frozen=True)
class Moved:
    """One field that somebody changed meanwhile. is_kept: what was typed stands in its place in the form."""

    label: str
    name: str
    was: str
    now: str
    is_kept: bool


def rebase(form: forms.Form, was: Mapping, now: Mapping, read: str) -> tuple[QueryDict, list[Moved]]:
    """What to fill the form in with again, and what moved.

    was, now  values by the names of the form's fields, as the editor read them and as they stand
    read      what the editor has read from now on
    A field that the editor left alone takes over what the other person wrote; one that both changed keeps what was
    typed, so that sending the form again puts it in force.
    """
    data, moved = form.data.copy(), []
    data["read"] = read
    for name in form.fields:
        before, after = text_of(form, name, was.get(name)), text_of(form, name, now.get(name))
        if name == "read" or before == after:
            continue
        typed = data.get(name, "").replace("\r\n", "\n").strip()
        if is_left_alone := typed in (before.strip(), after.strip()):
            data[name] = after
        moved.append(
            Moved(
                str(form.fields[name].label or form[name].label),
                form[name].id_for_label,
                said(form, name, before),
                said(form, name, after),
                not is_left_alone,
            )
        )
    return data, moved


def text_of(form: forms.Form, name: str, value: object) -> str:
    """A value as the form's own box would hold it."""
    value = form.fields[name].prepare_value(value)
    if value is None:
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def said(form: forms.Form, name: str, text: str) -> str:
    choices = dict(getattr(form.fields[name], "choices", ()))
    return str(choices.get(text, text))
