"""What must hold for whatever somebody decides."""

from accounts.models import Account, Person, RoleAssignment
from accounts.refusals import InvalidInput, NotNow

FEWEST_ADMINISTRATORS = 2


def check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput({"reason": "Say why; the reason is part of the record."})


def check_password_again(by: Account, password: str) -> None:
    """Who signs for something says once more who they are: a session left open is not enough."""
    if not by.check_password(password):
        raise InvalidInput({"password": "This is not your password. Nothing was signed with it."})


def check_administrators_stay(person: Person) -> None:
    """Whether two administrators are left without this one. To be asked under `services.lock_administrators`."""
    administrators = set(RoleAssignment.objects.of_administrators().values_list("person_id", flat=True))
    if person.pk in administrators and len(administrators) <= FEWEST_ADMINISTRATORS:
        raise NotNow(
            f"{person} is one of the last two administrators. One alone could give nobody a role and enable nobody:"
            " both take two persons. Give the role to another person first."
        )
