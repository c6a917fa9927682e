"""The audit trail of a model and of the bank: read it, verify it in the page, take it away."""

from __future__ import annotations

import tempfile

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import Person
from accounts.permissions import may
from accounts.roles import Permission
from audit import as_it_stands, checkpoints, export, tree, verifier
from audit.events import registered_events
from audit.reading import (
    attachments_about,
    attachments_filed_as,
    entries_on,
    epochs_begun,
    last_checkpoint,
    log_size,
    subject_name,
)
from inventory.access import find_model
from inventory.models import Model
from inventory.views.model import model_frame
from portal.proof import checkpoint_steps, proof_of
from portal.trail import HEX64, changes_of, lines_of
from portal.visibility import entries_seen_by, seen_among, sees_whole_log
from web.text import is_storable, number_in

PAGE = 50
MOST_PEOPLE = 50
OUTSIDE = "audit.outside_portal"


@require_safe
def model_trail(request: HttpRequest, ref: str) -> HttpResponse:
    """Everything that happened to one model, newest first; one entry opens with its proof."""
    model = find_model(request, ref)
    context = trail_context(request, entries_on(model)) | {"trail_name": subject_name(model)}
    if is_fragment(request):
        return render(request, "portal/trail/entries.html", context)
    return render(request, "portal/model_trail.html", model_frame(request, model, "Audit trail") | context)


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """The trail of everything that the reader may see, and the state of the log."""
    models = Model.objects.visible_to(request.user)
    context = trail_context(request, entries_seen_by(request.user), models) | {
        "sees_all": sees_whole_log(request.user),
        "sees_models": may(request.user, Permission.SEE_MODELS),
        "of_the_bank": True,
    }
    return render(request, "portal/trail/entries.html" if is_fragment(request) else "portal/audit.html", context)


def is_fragment(request: HttpRequest) -> bool:
    return bool(request.htmx and not request.htmx.boosted)


def trail_context(request: HttpRequest, entries, models: QuerySet[Model] | None = None) -> dict:
    """Entries, the chosen one, its proof and the state of the log. models: give each entry its model of these."""
    matching = narrowed(entries, request.GET)
    before = request.GET.get("before", "")
    place = number_in(before)
    page = list((matching if place is None else matching.filter(pk__lt=place))[: PAGE + 1])
    chosen = _chosen(entries, request.GET.get("entry", "").strip())
    opened = lines_of([chosen], models=models)[0] if chosen else None
    trails = seen_among(request.user, [*chosen.trails, chosen.subject]) if chosen else set()
    changes, more_rows = changes_of(chosen, trails) if chosen else ([], 0)
    own = [row for row in changes if row.subject == chosen.subject] or changes[:1]
    return {
        "lines": lines_of(page[:PAGE], models=models),
        "count": matching.count(),
        "in_all": entries.count(),
        "chosen": chosen,
        "opened": opened,
        "opened_is_listed": bool(chosen) and any(entry.pk == chosen.pk for entry in page[:PAGE]),
        "proof": proof_of(chosen) if chosen else None,
        "changes": own,
        "others": [row for row in changes if row not in own],
        "more_rows": more_rows,
        "files": _files(opened, trails) if opened else [],
        "asked": request.GET.get("entry", "").strip(),
        "query": request.GET,
        "events": sorted({(e.name, e.title) for e in registered_events().values()}, key=lambda pair: pair[1]),
        "older_url": _url(request, before=page[PAGE - 1].pk, entry=None) if len(page) > PAGE else None,
        "newest_url": _url(request, before=None, entry=None) if before else None,
        "here": _url(request, entry=None),
        "outside": entries.filter(event=OUTSIDE).count(),
        "log": log_state(),
    }


def _url(request: HttpRequest, **changed) -> str:
    """The page's own query with some of it replaced; None takes a part away."""
    query = request.GET.copy()
    for name, value in changed.items():
        query.pop(name, None)
        if value is not None:
            query[name] = str(value)
    return f"?{query.urlencode()}"


def _chosen(entries, asked: str):
    """The entry that the address asks for, by its number or its digest."""
    number = number_in(asked.replace(",", ""))
    if number is not None:
        return entries.filter(pk=number).first()
    return entries.filter(digest=bytes.fromhex(asked)).first() if HEX64.fullmatch(asked) else None


def _files(line, trails: set[str]) -> list:
    """Files that hang on what the entry is about, on one of the trails, and are named in it by their digest."""
    named = {value for _, value in line.digests}
    files = attachments_about(line.entry.subject)
    return [file for file in files if file.trail in trails and file.artefact.sha256 in named]


def narrowed(entries, query):
    """Entries by event, by words (a person, a subject, an entry, a digest), and those outside the portal."""
    if event := query.get("event"):
        entries = entries.filter(event=event) if is_storable(event) else entries.none()
    if query.get("outside"):
        entries = entries.filter(event=OUTSIDE)
    words = query.get("q", "").strip().replace("\0", "")
    return entries.filter(_about(words)) if words else entries


def _about(words: str) -> Q:
    people = Person.objects.filter(details__full_name__icontains=words)[:MOST_PEOPLE]
    titles = [event.name for event in registered_events().values() if words.lower() in event.title.lower()]
    condition = Q(subject=words) | Q(account__iexact=words) | Q(event__in=titles)
    condition |= Q(actor__in=[subject_name(person) for person in people])
    number = number_in(words.replace(",", ""))
    if number is not None:
        condition |= Q(pk=number)
    if HEX64.fullmatch(words):
        subjects = attachments_filed_as(words).values_list("subject", flat=True)[:MOST_PEOPLE]
        condition |= Q(digest=bytes.fromhex(words)) | Q(subject__in=list(subjects))
    return condition


def log_state() -> dict:
    """The last checkpoint, checked now, who cosigned it, and what is not covered yet."""
    last, size = last_checkpoint(), log_size()
    steps = checkpoint_steps(last) if last else []
    return {
        "checkpoint": last,
        "steps": steps,
        "holds": last
        and tree.root_of_first(last.size) == bytes(last.root)
        and all(s.holds is not False for s in steps),
        "size": size,
        "uncovered": size - (last.size if last else 0),
        "overdue": checkpoints.overdue_since(),
        "guards_moved": last and as_it_stands.guards_moved_since(last),
        "configured_witnesses": len(settings.WITNESS_URLS),
        "witnesses": witnesses(),
        "is_demo": settings.ASSAY_ENV == "demo",
        "origin": settings.AUDIT_ORIGIN,
        "verifier_sha256": verifier.hashlib.sha256(export.VERIFIER.read_bytes()).hexdigest(),
        "key": _log_key(),
        "epochs": epochs_begun().count() + 1,
        "arguments": verifier_arguments(),
    }


def witnesses() -> list[dict]:
    """Name and verifier key of each witness that the portal knows."""
    return [{"name": key.partition("+")[0], "key": key} for key in settings.WITNESS_KEYS]


def verifier_arguments() -> str:
    """What goes behind the export's name, so that the log's signature and each witness's are checked."""
    words = [("--key", _log_key() or "the log’s verifier key"), *(("--witness", key) for key in settings.WITNESS_KEYS)]
    return " ".join(f"{option} '{key}'" for option, key in words)


def _log_key() -> str:
    try:
        return checkpoints.log_key()
    except checkpoints.LogUnsignable:
        return ""


@require_safe
def receipt(request: HttpRequest, entry: int) -> HttpResponse:
    """The receipt of an entry's record, as a file for the verifier."""
    found = get_object_or_404(entries_seen_by(request.user), pk=entry)
    given = checkpoints.receipt_for(found.sealed_in_id) if found.sealed_in_id is not None else None
    if given is None:
        raise Http404
    return JsonResponse(
        given.as_json(), headers={"Content-Disposition": f'attachment; filename="receipt-{found.pk}.json"'}
    )


@require_safe
def export_model_trail(request: HttpRequest, ref: str) -> HttpResponse:
    """The model's trail as a zip that the verifier checks without the portal."""
    model = find_model(request, ref)
    back = reverse("model-trail", args=[model.ref])
    return _export(request, subject_name(model), f"trail-{model.ref}.zip", back)


@require_safe
def export_log(request: HttpRequest) -> HttpResponse:
    """The whole log as a zip, for who may see it."""
    if not sees_whole_log(request.user):
        raise Http404
    return _export(request, None, "log.zip", reverse("audit"))


def _export(request: HttpRequest, trail: str | None, name: str, back: str) -> HttpResponse:
    asked = map(number_in, request.GET.getlist("receipt_size"))
    sizes = [size for size in asked if size is not None]
    stream = tempfile.TemporaryFile()  # noqa: SIM115  (FileResponse closes it)
    try:
        export.export_trail(stream, trail=trail, receipt_sizes=sizes)
    except export.NothingSigned as reason:
        stream.close()
        context = {"heading": "Nothing is signed yet", "sentence": str(reason), "back_url": back}
        context |= {"advice": "What is recorded is kept; it can be taken away once it is signed.", "state": "watch"}
        return render(request, "errors/refused.html", context | {"icon_name": "watch"}, status=409)
    stream.seek(0)
    return FileResponse(stream, as_attachment=True, filename=name)


@require_safe
def verifier_file(request: HttpRequest) -> HttpResponse:
    """The verifier, the very file whose digest the page shows."""
    return FileResponse(export.VERIFIER.open("rb"), as_attachment=True, filename="verifier.py")
