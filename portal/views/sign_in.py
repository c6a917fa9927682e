"""Signing in: and what one had pressed while signed out is said, on this page and on the one that follows."""

from django.contrib import messages
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse

from portal.acts import ACTS, UNKNOWN, Act


class SignIn(LoginView):
    template_name = "accounts/sign_in.html"

    def get_context_data(self, **kwargs) -> dict:
        return super().get_context_data(**kwargs) | {"missed": missed_by(self.request)}

    def form_valid(self, form) -> HttpResponse:
        answer = super().form_valid(form)
        if act := missed_by(self.request):
            messages.warning(self.request, act.words)
        return answer


def missed_by(request: HttpRequest) -> Act | None:
    """What was pressed while signed out, by the name that the address gives."""
    name = request.GET.get("missed")
    return ACTS.get(name, UNKNOWN) if name else None
