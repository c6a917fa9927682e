"""What every page's frame shows: the bank, where one can go, who is signed in."""

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.permissions import may
from accounts.roles import Permission
from portal.acts import came_from

ADMINISTRATION = ("/administration/", "/tokens/", "/api/", "/schemes/")
# label, icon, name of the URL, permission that shows it, and what else lies there: beginnings of addresses
PLACES = (
    ("Home", "home", "home", None, ()),
    ("Models", "models", "models", Permission.SEE_MODELS, ()),
    ("Monitoring", "monitoring", "breaches", Permission.SEE_MODELS, ("/runs/", "/windows/")),
    ("Reports", "reports", "concentration", Permission.SEE_MODELS, ("/network/",)),
    ("Audit", "audit", "audit", Permission.SEE_MODELS, ()),
    ("Admin", "admin", "administration", Permission.SEE_ADMINISTRATION, ADMINISTRATION),
    ("Admin", "admin", "jobs", Permission.SEE_JOBS, ADMINISTRATION),
)


def frame(request) -> dict:
    account = getattr(request, "user", None)
    if account is None or not account.is_authenticated:
        return {"bank_name": settings.BANK_NAME, "nav": [], "person": None}
    details = getattr(account.person, "details", None)
    nav = {place["label"]: place for place in reversed([p for p in (_place(p, request) for p in PLACES) if p])}
    return {
        "bank_name": settings.BANK_NAME,
        "nav": [nav[label] for label in dict.fromkeys(label for label, *_ in PLACES) if label in nav],
        "person": {
            "name": str(account.person),
            "initials": details.initials if details else "?",
            "roles": [assignment.get_role_display() for assignment in account.person.roles.in_force()],
        },
        "sees_any_model": may(account, Permission.SEE_MODELS),
        "came_from": came_from(request),
        "now": timezone.now(),
    }


def _place(place, request) -> dict | None:
    label, icon, name, permission, others = place
    if permission and not may(request.user, permission):
        return None
    url = reverse(name)
    starts = (*others, *((url,) if name != "home" else ()))
    current = request.path == url or request.path.startswith(starts)
    return {"label": label, "icon": icon, "url": url, "current": current, "badge": 0}
