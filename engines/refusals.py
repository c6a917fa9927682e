"""Why a log cannot be read, in a sentence for the person who owns it."""


class LogRefused(Exception):
    """The log, or one partition of it, cannot be computed. `str()` is the sentence; `column` where it is one."""

    def __init__(self, reason: str, *, column: str | None = None, partition: str | None = None):
        super().__init__(reason)
        self.reason, self.column, self.partition = reason, column, partition


class Cancelled(Exception):
    """The caller's `progress` asked to stop."""
