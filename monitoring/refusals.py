from web.refusals import Refusal


class NoReportYet(Refusal):
    """The window is there and its report is not: the sentence says how the work on it stands."""

    status, slug, title = 404, "no-report-yet", "There is no such report of this window"
