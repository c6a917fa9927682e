"""What must hold for whatever somebody decides."""

from accounts.models import Account
from accounts.refusals import InvalidInput


def check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput({"reason": "Say why; the reason is part of the record."})


def check_password_again(by: Account, password: str) -> None:
    """Who signs for something says once more who they are: a session left open is not enough."""
    if not by.check_password(password):
        raise InvalidInput({"password": "This is not your password. Nothing was signed with it."})
