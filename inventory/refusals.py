from accounts.refusals import NotNow


class ChangedSince(NotNow):
    """The record is not any more what the client read."""

    status, slug, title = 412, "changed-since", "The record changed since you read it"


class DiffersFromRegistered(NotNow):
    """The same id was sent again with other content: the sentence names what differs."""

    def __init__(self, what: str, differing: list[str]):
        super().__init__(f"{what} is registered already with another {', '.join(differing)}.")
        self.differing = differing
