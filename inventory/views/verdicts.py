"""The page on which a verdict of scope is given."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.refusals import InvalidInput
from inventory import permissions, services
from inventory.access import find_model
from inventory.forms.records import VerdictForm
from inventory.models import Framework
from inventory.views.model import model_frame


@require_http_methods(["GET", "HEAD", "POST"])
def give_verdict(request: HttpRequest, ref: str) -> HttpResponse:
    """A form for a verdict on one regime (`?regime=code`), with the regime's own questions; filled in, the verdict."""
    found = find_model(request, ref)
    permissions.check_can_edit(request.user, found)
    frameworks = list(Framework.objects.judged_by())
    asked = request.POST.get("framework") or request.GET.get("regime", "")
    framework = next((f for f in frameworks if f.code == asked), frameworks[0] if frameworks else None)
    form = VerdictForm(request.POST or None, framework=framework) if framework else None
    if form and request.method == "POST" and form.is_valid():
        try:
            verdict = services.give_verdict(model=found, **form.given(), by=request.user)
        except InvalidInput as refusal:
            form.add_problems(refusal.problems)
        else:
            messages.success(request, f"{verdict}. It is on the record.")
            return redirect("model-record", found.ref)
    context = {
        "form": form,
        "framework": framework,
        "frameworks": frameworks,
        "earlier": found.verdicts.filter(framework__code=framework.code).select_related("decided_by__details")
        if framework
        else (),
    }
    return render(request, "inventory/verdict.html", model_frame(request, found, "Record") | context)
