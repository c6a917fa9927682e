from audit.events import Event

MONITOR_DEFINED = Event(
    "monitoring.monitor_defined",
    "Monitor defined",
    "{name}: {features} features, {span} windows, {thresholds} thresholds",
)
REFERENCE_FITTED = Event(
    "monitoring.reference_fitted",
    "Reference fitted",
    "{monitor}: reference no. {number}, {rows} rows, profile {sha256}",
)
RUN_ASKED = Event("monitoring.run_asked", "Run asked for", "{monitor}, outcomes as of {labels_as_of}")
RUN_COMPLETED = Event(
    "monitoring.run_completed",
    "Run completed",
    "{run}: {outcome}, {rows_read} rows in {partitions} partitions, {windows} windows measured, result {result_digest}",
)
RUN_REPEATED = Event("monitoring.run_repeated", "Run repeated", "{run} repeats {repeats}: {verdict}")
RUN_REFUSED = Event("monitoring.run_refused", "Run refused", "{run}: {reason}")
WINDOW_RESTATED = Event(
    "monitoring.window_restated", "Window restated", "{window}: revision {revision}, {labelled} outcomes known"
)
WATCH_MOVED = Event(
    "monitoring.watch_moved",
    "On watch",
    "{monitor}: {count} figure(s) went on watch, moved beyond their limit or left it",
)
BREACH_OPENED = Event("monitoring.breach_opened", "Breach opened", "{what} is {shown} in {window}, {limit}")
BREACH_RAISED = Event(
    "monitoring.breach_raised", "Breach raised", "{what} is {shown} in {window}, {limit}; it was on watch with {before}"
)
BREACH_EASED = Event(
    "monitoring.breach_eased", "Breach eased", "{what} is {shown} in {window}, on watch {limit}; it was {before}"
)
BREACH_ENDED = Event("monitoring.breach_ended", "Breach ended", "{what} in {window}: {reason}")
THRESHOLD_SET = Event(
    "monitoring.threshold_set",
    "Threshold set",
    "{monitor}: {place} is on watch {side} {watch}, a breach {side} {breach}; before: {before}. {rationale}",
)
THRESHOLD_ENDED = Event(
    "monitoring.threshold_ended", "Threshold ended", "{monitor}: none on {place} any more. {reason}"
)
EXPLAINED = Event(
    "monitoring.explained",
    "SHAP report filed",
    "{window}: {method}, {rows} rows, strongest {strongest}, values {sha256}",
)
EXPLANATION_REFUSED = Event("monitoring.explanation_refused", "Explanation refused", "{window}: {reason}")
SCORES_DIFFER = Event(
    "monitoring.scores_differ",
    "Logged scores differ",
    "{window}: {unequal} of {compared} re-scored rows differ from the log, by up to {largest}",
)
EXACT_ASKED = Event("monitoring.exact_asked", "Exact figures asked for", "{what} in {window}, revision {revision}")
EXACT_COMPUTED = Event("monitoring.exact_computed", "Exact figures computed", "{what} in {window}: {verdict}")
EXACT_REFUSED = Event("monitoring.exact_refused", "Exact figures refused", "{what} in {window}: {reason}")
REPORT_FILED = Event(
    "monitoring.report_filed",
    "Evidently report filed",
    "{window}: Evidently {version}, page {html_sha256}, figures {json_sha256}",
)
REPORT_REFUSED = Event("monitoring.report_refused", "Evidently report refused", "{window}: {reason}")
RUN_CANCELLED = Event("monitoring.run_cancelled", "Run cancelled", "{run}")
REPORT_ASKED_AGAIN = Event("monitoring.report_asked_again", "Report asked for again", "{window}: {task}")
