"""What must hold for whatever somebody decides."""

from accounts.refusals import InvalidInput


def check_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput({"reason": "Say why; the reason is part of the record."})
