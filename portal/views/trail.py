"""The audit trail of a model and of the bank: read it, verify it in the page, take it away."""

from __future__ import annotations

import tempfile

from django.conf import settings
from django.db.models import Q
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.permissions import seen_units
from audit import checkpoints, export, tree, verifier
from audit.events import registered_events
from audit.models import Checkpoint, Entry, SealedRecord, subject_name
from inventory.models import Model
from inventory.views import find_model, model_frame
from portal.trail import changes_of, lines_of

PAGE = 50


@require_safe
def model_trail(request: HttpRequest, ref: str) -> HttpResponse:
    """Everything that happened to one model, newest first; one entry opens with its proof."""
    model = find_model(request, ref)
    entries = Entry.objects.on_trail(subject_name(model))
    context = model_frame(request, model, "Audit trail") | trail_context(request, entries)
    return render(request, "portal/model_trail.html", context)


@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """The trail of everything that the reader may see, and the state of the log."""
    return render(request, "portal/audit.html", trail_context(request, entries_seen_by(request.user)))


def entries_seen_by(account):
    """The whole log for who sees the whole bank; else the entries of the models one may see."""
    condition = seen_units(account, "unit__path")
    if condition == Q():
        return Entry.objects.all()
    names = [f"inventory.model:{pk}" for pk in Model.objects.visible_to(account).values_list("pk", flat=True)]
    return Entry.objects.filter(Q(trails__overlap=names) | Q(subject__in=names))


def trail_context(request: HttpRequest, entries) -> dict:
    matching = _narrowed(entries, request.GET).select_related("sealed_in")
    before = request.GET.get("before", "")
    page = list((matching.filter(pk__lt=before) if before.isdigit() else matching).newest_first()[: PAGE + 1])
    opened = request.GET.get("entry", "")
    chosen = entries.filter(pk=opened).select_related("sealed_in").first() if opened.isdigit() else None
    query = request.GET.copy()
    query.pop("entry", None)
    query["before"] = str(page[PAGE - 1].pk) if len(page) > PAGE else ""
    return {
        "lines": lines_of(page[:PAGE]),
        "older_url": f"?{query.urlencode()}" if len(page) > PAGE else None,
        "events": sorted({(e.name, e.title) for e in registered_events().values()}, key=lambda pair: pair[1]),
        "proof": proof_of(chosen) if chosen else None,
        "chosen": chosen,
        "chosen_line": lines_of([chosen])[0] if chosen else None,
        "changes": changes_of(chosen) if chosen else [],
        "log": log_state(),
    }


def _narrowed(entries, query):
    if event := query.get("event"):
        entries = entries.filter(event=event)
    if words := query.get("q", "").strip():
        condition = Q(subject=words) | Q(account__icontains=words)
        if words.isdigit():
            condition |= Q(pk=int(words))
        if len(words) == verifier.hashlib.sha256().digest_size * 2:
            condition |= Q(digest=bytes.fromhex(words)) if _is_hex(words) else Q()
        entries = entries.filter(condition)
    if query.get("outside"):
        entries = entries.filter(event="audit.outside_portal")
    return entries


def _is_hex(words: str) -> bool:
    return all(c in "0123456789abcdef" for c in words)


def log_state() -> dict:
    """The last checkpoint, who cosigned it, and what is not covered yet."""
    last = Checkpoint.objects.prefetch_related("cosignatures").order_by("-id").first()
    size = SealedRecord.objects.order_by("-position").values_list("position", flat=True).first()
    size = 0 if size is None else size + 1
    return {
        "checkpoint": last,
        "size": size,
        "uncovered": size - (last.size if last else 0),
        "overdue": checkpoints.overdue_since(),
        "witnesses": list(last.cosignatures.all()) if last else [],
        "configured_witnesses": len(settings.WITNESS_URLS),
        "is_demo": settings.ASSAY_ENV == "demo",
        "origin": settings.AUDIT_ORIGIN,
        "verifier_sha256": verifier.hashlib.sha256(export.VERIFIER.read_bytes()).hexdigest(),
    }


def proof_of(entry: Entry) -> dict:
    """Verify one entry now: its bytes, its record, the way to the signed root. Each step says whether it holds."""
    record = entry.sealed_in
    checkpoint = Checkpoint.objects.filter(size__gt=record.position).order_by("-id").first() if record else None
    if checkpoint is None:
        return {"pending": True}
    proof = tree.inclusion_proof(record.position, checkpoint.size)
    try:
        parsed = verifier.parse_record(bytes(record.body))
        fields = ("event", "subject", "trails", "actor", "account", "through", "request")
        plain = {name: getattr(entry, name) for name in fields} | {"body": bytes(entry.body)}
        if verifier.entry_digest(plain) not in parsed["entries"]:
            raise verifier.Defect("the entry is not the one that was sealed")
        leaf = verifier.leaf_hash(bytes(record.body))
        verifier.check_inclusion(leaf, record.position, checkpoint.size, proof, bytes(checkpoint.root))
        defect = ""
    except verifier.Defect as found:
        leaf, defect = bytes(record.leaf_hash), str(found)
    return {
        "pending": False,
        "defect": defect,
        "leaf": leaf.hex(),
        "position": record.position,
        "siblings": [node.hex() for node in proof],
        "root": bytes(checkpoint.root).hex(),
        "checkpoint": checkpoint,
        "cosignatures": list(checkpoint.cosignatures.all()),
    }


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
    sizes = [int(size) for size in request.GET.getlist("receipt_size") if size.isdigit()]
    stream = tempfile.TemporaryFile()  # noqa: SIM115  (FileResponse closes it)
    try:
        export.export_trail(stream, trail=subject_name(model), receipt_sizes=sizes)
    except export.NothingSigned as reason:
        stream.close()
        return render(request, "errors/refused.html", {"reason": str(reason)}, status=409)
    stream.seek(0)
    return FileResponse(stream, as_attachment=True, filename=f"trail-{model.ref}.zip")


@require_safe
def verifier_file(request: HttpRequest) -> HttpResponse:
    return FileResponse(export.VERIFIER.open("rb"), as_attachment=True, filename="verifier.py")
