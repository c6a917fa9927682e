"""The page of the fields that the bank, or a pack, adds to the record."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.permissions import check_may, may
from accounts.refusals import InvalidInput
from accounts.roles import Permission
from inventory import services
from inventory.forms.records import FieldForm, ReasonForm
from inventory.models import FieldDefinition, Model


@require_http_methods(["GET", "HEAD", "POST"])
def record_fields(request: HttpRequest) -> HttpResponse:
    """Every further field, and the form that adds one."""
    form = FieldForm(request.POST or None, label_suffix="")
    if request.method == "POST":
        check_may(request.user, Permission.DEFINE_FIELDS)
        if form.is_valid():
            try:
                field = services.define_field(**form.cleaned_data, by=request.user)
            except InvalidInput as refusal:
                form.add_problems(refusal.problems)
            else:
                messages.success(request, f"{field.label} is a field of the record from now on.")
                return redirect("record-fields")
    kinds = dict(Model.Kind.choices)
    fields = list(FieldDefinition.objects.select_related("defined_by__details"))
    for field in fields:
        field.kind_words = ", ".join(str(kinds.get(kind, kind)) for kind in field.kinds) or "Every kind"
    context = {"fields": fields, "form": form, "can_define": may(request.user, Permission.DEFINE_FIELDS)}
    return render(request, "inventory/record_fields.html", context)


@require_POST
def retire_field(request: HttpRequest, key: str) -> HttpResponse:
    check_may(request.user, Permission.DEFINE_FIELDS)
    field = get_object_or_404(FieldDefinition, key=key)
    form = ReasonForm(request.POST)
    if form.is_valid():
        services.retire_field(field=field, reason=form.cleaned_data["reason"], by=request.user)
        messages.success(request, f"{field.label} is asked for no more.")
    else:
        messages.error(request, "Nothing was retired: say why. The reason is part of the record.")
    return redirect("record-fields")
