"""Changes of many models: planned from a file or from the list, shown row by row, applied together."""

from collections.abc import Iterator

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import check_may
from accounts.refusals import InvalidInput
from accounts.roles import Permission
from inventory import services
from inventory.filters import models_asked_for
from inventory.models import ChangeRow, ChangeSet, Model
from inventory.services.change_rows import KEYS, WRITTEN, Row, key_of_head
from inventory.services.change_sets import MOST_AT_ONCE, MOST_ROWS
from inventory.services.columns import COLUMNS
from web.keyset import KeysetPage
from web.text import is_storable
from web.uploads import LARGEST, Table, UploadRefused, table_of

PAGE = 100
SORTS = {"line": ("line", "line")}


@require_http_methods(["GET", "HEAD", "POST"])
def import_models(request: HttpRequest) -> HttpResponse:
    """Take a file and show what it would change; every fault of it stands on the page that follows."""
    check_may(request.user, Permission.REGISTER)
    problem = ""
    if request.method == "POST":
        try:
            return redirect("change-set", _planned(request).pk)
        except UploadRefused as refusal:
            problem = str(refusal)
        except InvalidInput as refusal:
            problem = " ".join(refusal.problems.values())
    context = {
        "problem": problem,
        "columns": [COLUMNS[key] for key in ("external_id", *WRITTEN)],
        "largest": LARGEST,
        "most_rows": MOST_ROWS,
        "crumbs": [{"label": "Models", "url": reverse("models")}],
    }
    return render(request, "inventory/import.html", context)


def _planned(request: HttpRequest) -> ChangeSet:
    upload = request.FILES.get("file")
    if upload is None:
        raise UploadRefused("Choose a file first.")
    table = table_of(upload)
    keys = [key_of_head(head) for head in table.heads]
    return services.plan_changes(
        kind=ChangeSet.Kind.IMPORT,
        rows=_rows(table, keys),
        reason=request.POST.get("reason", "")[:1_000],
        file_name=upload.name,
        sha256=upload.sha256,
        notes=_notes(keys),
        by=request.user,
    )


def _rows(table: Table, keys: list[str]) -> Iterator[Row]:
    check_columns(table.heads, keys)
    for line, cells in table.rows:
        problems = {}
        if len(cells) > len(keys) and any(cell not in (None, "") for cell in cells[len(keys) :]):
            problems["row"] = (
                f"The row has {len(cells)} cells, the first row {len(keys)}; is a separator inside a text?"
            )
        yield Row(line, dict(zip(keys, cells, strict=False)), problems)


def check_columns(heads: list[str], keys: list[str]) -> None:
    """Refuse a file whose columns are not known, naming all of them at once. Raises UploadRefused."""
    unknown = [head for head, key in zip(heads, keys, strict=True) if key not in COLUMNS]
    if unknown:
        raise UploadRefused(
            f"There is no column {', '.join(unknown[:10])}{' …' if len(unknown) > 10 else ''}. Columns that are read:"
            f" external_id, {', '.join(WRITTEN)}."
        )
    if not set(KEYS) & set(keys):
        raise UploadRefused("No column says which model a row is about: external_id is needed, or ref.")


def _notes(keys: list[str]) -> list[str]:
    unread = [COLUMNS[key].label for key in keys if key in COLUMNS and key not in (*KEYS, *WRITTEN)]
    return [f"Not read, since it is not changed by a file: {', '.join(unread)}."] if unread else []


@require_safe
def import_template(request: HttpRequest) -> HttpResponse:
    content = ",".join(("external_id", *WRITTEN)) + "\r\n"
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="models-template.csv"'},
    )


@require_POST
def change_models(request: HttpRequest) -> HttpResponse:
    """Plan the same change for the ticked models, or for all that the list's filters match."""
    check_may(request.user, Permission.REGISTER)
    if request.POST.get("which") == "all":
        models = models_asked_for(QueryDict(request.POST.get("query", "")), request.user)
    else:
        ticked = Model.objects.visible_to(request.user).filter(
            ref__in=filter(is_storable, request.POST.getlist("model"))
        )
        models = ticked.order_by("ref")
    if not models.exists():
        raise InvalidInput({"models": "No model is chosen. Tick some in the list, or choose all that match."})
    given = {name: request.POST.get(name, "").strip() for name in ("owner", "developer", "kind")}
    planned = services.plan_bulk_change(
        models=models,
        values={name: value for name, value in given.items() if value},
        add_tags=_tags(request.POST.get("add_tags", "")),
        drop_tags=_tags(request.POST.get("drop_tags", "")),
        reason=request.POST.get("reason", ""),
        by=request.user,
    )
    return redirect("change-set", planned.pk)


def _tags(text: str) -> list[str]:
    return [tag for tag in map(str.strip, text.split(",")) if tag]


@require_safe
def change_set(request: HttpRequest, number: int) -> HttpResponse:
    """What would change, row by row; after it was applied, what was changed."""
    found = find_change_set(request, number)
    rows = found.rows.select_related("model")
    verb = request.GET.get("verb", "")
    shown = rows.filter(verb=verb) if verb in ChangeRow.Verb.values else rows
    page = KeysetPage(shown, request.GET, sorts=SORTS, default="line", size=PAGE)
    total = found.counts.get(verb, 0) if verb in ChangeRow.Verb.values else sum(found.counts.values())
    context = {
        "changes": found,
        "rows": page.rows,
        "pages": page.foot(total=total, noun="rows"),
        "views": _views(found, verb),
        "errors": found.counts.get("error", 0),
        "job": found.job,
        "is_under_way": bool(found.job and not found.job.is_finished),
        "columns": COLUMNS,
        "crumbs": [{"label": "Models", "url": reverse("models")}],
    }
    is_fragment = request.htmx and not request.htmx.boosted
    return render(request, "inventory/changes.html#state" if is_fragment else "inventory/changes.html", context)


def _views(found: ChangeSet, verb: str) -> list[dict]:
    offered = [("All rows", "", sum(found.counts.values()))]
    offered += [(kind.label, kind.value, found.counts.get(kind.value, 0)) for kind in ChangeRow.Verb]
    return [
        {"label": label, "url": f"?verb={value}" if value else "?", "current": value == verb, "count": count}
        for label, value, count in offered
    ]


@require_POST
def apply_changes(request: HttpRequest, number: int) -> HttpResponse:
    found = find_change_set(request, number)
    if found.to_do > MOST_AT_ONCE:
        services.apply_later(change_set=found, by=request.user)
    else:
        services.apply_changes(change_set=found, by=request.user)
        messages.success(request, f"Applied: {found.to_do:,} model(s).")
    return redirect("change-set", found.pk)


@require_POST
def discard_changes(request: HttpRequest, number: int) -> HttpResponse:
    services.discard_changes(change_set=find_change_set(request, number), by=request.user)
    return redirect("models")


def find_change_set(request: HttpRequest, number: int) -> ChangeSet:
    """The change set where who asks for it is who planned it; else 404."""
    return get_object_or_404(ChangeSet.objects.of(request.user).select_related("job"), pk=number)
