"""What every page's frame shows: the bank, where one can go, who is signed in."""

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.permissions import may
from accounts.roles import Permission

# label, icon, name of the URL, permission that shows it
PLACES = (
    ("Home", "home", "home", None),
    ("Models", "models", "models", Permission.SEE_MODELS),
    ("Monitoring", "monitoring", "breaches", Permission.SEE_MODELS),
    ("Audit", "audit", "audit", Permission.SEE_MODELS),
    ("Admin", "admin", "administration", Permission.SEE_ADMINISTRATION),
)


def frame(request) -> dict:
    account = getattr(request, "user", None)
    if account is None or not account.is_authenticated:
        return {"bank_name": settings.BANK_NAME, "nav": [], "person": None}
    details = getattr(account.person, "details", None)
    return {
        "bank_name": settings.BANK_NAME,
        "nav": [place for place in (_place(p, request) for p in PLACES) if place],
        "person": {
            "name": str(account.person),
            "initials": details.initials if details else "?",
            "roles": [assignment.get_role_display() for assignment in account.person.roles.in_force()],
        },
        "now": timezone.now(),
    }


def _place(place, request) -> dict | None:
    label, icon, name, permission = place
    if permission and not may(request.user, permission):
        return None
    url = reverse(name)
    current = request.path == url or (name != "home" and request.path.startswith(url))
    return {"label": label, "icon": icon, "url": url, "current": current, "badge": 0}
