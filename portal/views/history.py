"""How a model's record came to be as it is: each version that was captured, and what differs between any two."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audit.reading import NOT_RECORDED, differences, history_of
from inventory.access import find_model
from inventory.models import Model
from inventory.views.model import model_frame
from portal.rows import label_of, names_of, value_words

TABLE = Model._meta.db_table
MOST = 200


@require_safe
def model_history(request: HttpRequest, ref: str) -> HttpResponse:
    """The record's versions, newest first; two of them are compared, the newest two unless the address says which."""
    model = find_model(request, ref)
    sealed = history_of(model).exclude(sealed_in=None)
    versions = list(sealed.select_related("sealed_in").order_by("-id")[:MOST])
    newer = _chosen(request, sealed, "to") or versions[0]
    older = _chosen(request, sealed, "from") or next((v for v in versions if v.pk < newer.pk), newer)
    context = {
        "captured": versions,
        "older": older,
        "newer": newer,
        "compared": _in_words(older, newer),
        "is_cut": len(versions) == MOST,
    }
    return render(request, "portal/history.html", model_frame(request, model, "Audit trail") | context)


def _chosen(request: HttpRequest, sealed, name: str):
    """The version that the address names by the position of its sealed record; None where it names none."""
    asked = request.GET.get(name, "")
    if not asked:
        return None
    found = sealed.filter(sealed_in=int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 19 else None
    version = found.select_related("sealed_in").last() if found is not None else None
    if version is None:
        raise Http404
    return version


def _in_words(older, newer) -> list[dict]:
    """Field by field, what differs."""
    named = names_of([older, newer])
    return [
        {
            "label": label_of(TABLE, each.field),
            "before": _words(each.field, each.before, named),
            "after": _words(each.field, each.after, named),
        }
        for each in differences(older.row, newer.row)
    ]


def _words(field: str, value: object, named) -> str:
    return str(value) if value is NOT_RECORDED else value_words(TABLE, field, value, named)
