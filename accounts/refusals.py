"""The ways in which the portal says no to a person; each carries its sentence."""

from web.refusals import Refusal


class NotPermitted(Refusal):
    """This person may never do this here."""

    status, slug, title = 403, "not-permitted", "Not permitted"


class NotNow(Refusal):
    """Permitted, but the record's state does not allow it at present."""

    status, slug, title = 409, "not-now", "Not possible in the record's present state"


class InvalidInput(Refusal):
    """What was sent cannot be accepted: a sentence for each field (by its path)."""

    status, slug, title = 422, "invalid-input", "What was sent cannot be accepted"

    def __init__(self, problems: dict[str, str]):
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self.problems = problems


class MustNameVersion(Refusal):
    """An update must say which state of the record it is for (If-Match)."""

    status, slug, title = 428, "must-name-version", "If-Match is missing"
