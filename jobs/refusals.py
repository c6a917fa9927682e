class LeaseLost(Exception):
    """Another worker holds the job now; whatever this one still does must have no effect."""


class JobCancelled(Exception):
    """Somebody asked to cancel the job; raised where progress is reported."""


class JobRefused(Exception):
    """The work cannot be done and trying again would not help; the message says why and what to do."""
