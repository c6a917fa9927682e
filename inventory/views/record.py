"""Pages of a model's record: what it says, how complete it is, and the form in which it is edited."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Person
from accounts.refusals import InvalidInput
from audit.reading import entries_on, key_of
from inventory import permissions, services
from inventory.access import find_model
from inventory.forms.records import OWN, RecordForm
from inventory.measures.completeness import regimes_by_field, scores_of
from inventory.measures.record import GROUPS, RecordField, further_field, read_record
from inventory.models import FieldDefinition, Framework, Model
from inventory.refusals import ChangedSince
from inventory.views.model import model_frame
from inventory.views.rebasing import rebase


@require_safe
def record(request: HttpRequest, ref: str) -> HttpResponse:
    """What the record says, which regime asks for it, how complete it is, and what falls under which regime."""
    found = find_model(request, ref)
    read = read_record(found)
    frameworks = list(Framework.objects.judged_by())
    asking = regimes_by_field(frameworks)
    own = tuple(map(further_field, read.further))
    groups = [*GROUPS, ("Further fields", own)] if own else GROUPS
    scores = scores_of(read, frameworks)
    latest = {verdict.framework.code: verdict for verdict in read.verdicts}
    context = {
        "groups": [(heading, [_row(entry, read, asking, found) for entry in entries]) for heading, entries in groups],
        "scores": [(score, [(entry.label, _address(entry, found)) for entry in score.missing]) for score in scores],
        "regimes": [(framework, latest.get(framework.code)) for framework in frameworks],
        "history": found.verdicts.select_related("framework", "decided_by__details")[:50],
        "etag": services.record_digest(found),
    }
    return render(request, "inventory/record.html", model_frame(request, found, "Record") | context)


def _row(entry: RecordField, read, asking: dict, found: Model) -> dict:
    return {
        "field": entry,
        "words": entry.words(read),
        "asking": asking.get(entry.key, []),
        "url": _address(entry, found),
    }


def _address(entry: RecordField, found: Model) -> str:
    """Where the field is filled in."""
    kind, name = entry.place
    if kind == "edit":
        return f"{reverse('edit-record', args=[found.ref])}#id_{name}"
    if kind == "noun":
        return f"{reverse('model-parts', args=[found.ref])}#{name}"
    return reverse(name, args=[found.ref])


@require_http_methods(["GET", "HEAD", "POST"])
def edit_record(request: HttpRequest, ref: str) -> HttpResponse:
    """The form of a record; filled in, the record. Where somebody else was faster, what they changed."""
    found = find_model(request, ref)
    permissions.check_can_edit(request.user, found)
    further = list(FieldDefinition.objects.asked_of(found))
    form = _form(request, found, further)
    moved, by = [], None
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_record(
                model=found, changes=form.changes(), expected_digest=form.cleaned_data["read"], by=request.user
            )
        except ChangedSince:
            form, moved, by = _rebased(request, form, found, further)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        else:
            messages.success(request, "The record is changed; what and why stands on the audit trail.")
            return redirect("model-record", found.ref)
    context = {"form": form, "moved": moved, "moved_by": by, "can_judge": permissions.can_judge(request.user, found)}
    return render(request, "inventory/record_edit.html", model_frame(request, found, "Record") | context)


def _form(request: HttpRequest, found: Model, further: list[FieldDefinition], data=None) -> RecordForm:
    return RecordForm(
        data or request.POST or None,
        values=services.record_values(found),
        further=further,
        by=request.user,
        read=services.record_digest(found),
    )


def _rebased(request: HttpRequest, form: RecordForm, found: Model, further: list[FieldDefinition]) -> tuple:
    was = _by_name(services.record_values_at(found, form.cleaned_data["read"]))
    found.refresh_from_db()
    data, moved = rebase(form, was, _by_name(services.record_values(found)), services.record_digest(found))
    return _form(request, found, further, data), moved, who_changed(found)


def _by_name(values: dict) -> dict:
    words = {True: "yes", False: "no"}
    own = {f"{OWN}{key}": words[value] if isinstance(value, bool) else value for key, value in values["own"].items()}
    return {name: value for name, value in values.items() if name != "own"} | own


def who_changed(about) -> Person | None:
    """Who last did something to a record, by its trail."""
    actor = entries_on(about)[0].actor
    return Person.objects.select_related("details").filter(pk=key_of(actor)).first() if actor else None
