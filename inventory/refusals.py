from accounts.refusals import NotNow


class ChangedSince(NotNow):
    """The record is not any more what the client read: 412."""


class DiffersFromRegistered(NotNow):
    """The same id was sent again with other content: 409, naming what differs."""

    def __init__(self, what: str, differing: list[str]):
        super().__init__(f"{what} is registered already with another {', '.join(differing)}.")
        self.differing = differing
