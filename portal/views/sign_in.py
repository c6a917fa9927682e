"""Signing in: and what one had pressed while signed out is said, on this page and on the one that follows."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse

from figures.wording import duration_text
from portal.acts import ACTS, UNKNOWN, Act


class NameAndPassword(AuthenticationForm):
    """Django's own, with what to check next."""

    error_messages = AuthenticationForm.error_messages | {
        "invalid_login": "This name and password do not belong together. Check Caps Lock; after"
        f" {settings.AXES_FAILURE_LIMIT} wrong attempts sign-in locks for"
        f" {duration_text(settings.AXES_COOLOFF_TIME * 3600)}."
    }

    def clean(self) -> dict:
        """A name that no account can have is looked up nowhere: what counts failed attempts could not store it."""
        if len(self.cleaned_data.get("username", "")) > self.fields["username"].max_length:
            raise self.get_invalid_login_error()
        return super().clean()


class SignIn(LoginView):
    template_name = "accounts/sign_in.html"
    authentication_form = NameAndPassword

    def get_context_data(self, **kwargs) -> dict:
        return super().get_context_data(**kwargs) | {
            "missed": missed_by(self.request),
            "help_contact": settings.HELP_CONTACT,
        }

    def form_valid(self, form) -> HttpResponse:
        answer = super().form_valid(form)
        if act := missed_by(self.request):
            messages.warning(self.request, act.words)
        return answer


def missed_by(request: HttpRequest) -> Act | None:
    """What was pressed while signed out, by the name that the address gives."""
    name = request.GET.get("missed")
    return ACTS.get(name, UNKNOWN) if name else None
