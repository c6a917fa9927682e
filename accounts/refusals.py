"""The two ways in which the portal says no to a person; each carries its sentence."""


class NotPermitted(Exception):
    """This person may never do this here: 403."""


class NotNow(Exception):
    """Permitted, but the record's state does not allow it at present: 409."""


class InvalidInput(Exception):
    """What was sent cannot be accepted: 422, with a sentence for each field (by its path)."""

    def __init__(self, problems: dict[str, str]):
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self.problems = problems


class MustNameVersion(Exception):
    """An update must say which state of the record it is for (If-Match): 428."""
