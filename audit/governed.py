"""Which tables are governed: every change of one of their rows is captured, sealed and kept.

A governed row has a primary key `id`, is never deleted by the portal, and names the trail it hangs on by a
column of its own. A table that is not governed stands below with its reason; a new one must choose.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Governed:
    """`without` names columns that never enter the trail: secrets, and what moves without anybody deciding."""

    table: str
    subject: str
    trail_column: str = ""
    trail: str = ""
    without: tuple[str, ...] = ()


def of_model(table: str, subject: str, *, without: tuple[str, ...] = ()) -> Governed:
    """A table whose rows hang on the trail of the model that `model_id` names."""
    return Governed(table, subject, "model_id", "inventory.model", without)


def of_person(table: str, subject: str, *, without: tuple[str, ...] = ()) -> Governed:
    """A table whose rows hang on the trail of the person that `person_id` names."""
    return Governed(table, subject, "person_id", "accounts.person", without)


GOVERNED = (
    Governed("audit_artefact", "audit.artefact", "trail"),
    Governed("audit_attachment", "audit.attachment", "trail"),
    Governed("accounts_unit", "accounts.unit"),
    Governed("accounts_person", "accounts.person", "id", "accounts.person"),
    # Whose an account is decides on four eyes. A password's hash would lie in the log for ever.
    of_person("accounts_account", "accounts.account", without=("password", "last_login")),
    of_person("accounts_roleassignment", "accounts.roleassignment"),
    of_person("accounts_apitoken", "accounts.apitoken"),
    Governed("proposals_proposal", "proposals.proposal", "trail"),
    Governed("proposals_conflict", "proposals.conflict", "trail"),
    Governed("inventory_model", "inventory.model", "id", "inventory.model"),
    of_model("inventory_modelversion", "inventory.modelversion"),
    of_model("inventory_access", "inventory.access"),
    of_model("inventory_profile", "inventory.profile"),
    of_model("inventory_use", "inventory.use"),
    of_model("inventory_assumption", "inventory.assumption"),
    of_model("inventory_limitation", "inventory.limitation"),
    of_model("inventory_overlay", "inventory.overlay"),
    of_model("inventory_overlayvalue", "inventory.overlayvalue"),
    of_model("inventory_overlayrenewal", "inventory.overlayrenewal"),
    of_model("inventory_exemption", "inventory.exemption"),
    of_model("inventory_responsibility", "inventory.responsibility"),
    of_model("inventory_verdict", "inventory.verdict"),
    Governed("inventory_fielddefinition", "inventory.fielddefinition"),
    Governed("inventory_framework", "inventory.framework", "id", "inventory.framework"),
    Governed("inventory_clause", "inventory.clause", "framework_id", "inventory.framework"),
    Governed("inventory_tieringscheme", "inventory.tieringscheme", "id", "inventory.tieringscheme"),
    of_model("inventory_assessment", "inventory.assessment"),
    of_model("inventory_tieroverride", "inventory.tieroverride"),
    Governed("inventory_asset", "inventory.asset", "id", "inventory.asset"),
    Governed("inventory_dependency", "inventory.dependency", "trail"),
    of_model("inventory_reviewmark", "inventory.reviewmark"),
    # Whoever writes a log and knows its monitor's key can choose which rows are sampled; the trail is read by them.
    of_model("monitoring_monitor", "monitoring.monitor", without=("seed",)),
    of_model("monitoring_threshold", "monitoring.threshold"),
    of_model("monitoring_reference", "monitoring.reference"),
    of_model("monitoring_breach", "monitoring.breach"),
)

# Every other table of the portal, with the reason.
NOT_GOVERNED = {
    "accounts_persondetails": "names and mail: the one table that an erasure request empties",
    "accounts_tokenuse": "when tokens were last used: it moves with calls, without anybody deciding",
    "accounts_answeredrequest": "answers kept for a while, to be given again to the same request",
    "inventory_changeset": "changes that somebody looked at; what they change is governed and announced",
    "inventory_changerow": "as above, row by row",
    "inventory_export": "a file on its way to who asked; that it was taken stands in an entry, with its digest",
    "inventory_savedview": "a way to look at the list; decides nothing and shows what its reader may see",
    "inventory_standing": "derived from governed records, and written anew whenever they move",
    "jobs_job": "work under way; what it did is announced by the service that did it",
    "jobs_schedule": "moves at every slot; the monitor that it serves is governed",
    "jobs_scheduleslot": "due moments of schedules: which job took which",
    "monitoring_run": "sealed by the digest of its measurements, in the entry that ends it",
    "monitoring_storedprofile": "an intermediate state, known by its digest and made again from the log",
    "monitoring_window": "measured by a run, and sealed by the run's digest",
    "monitoring_measurement": "measured by a run, and sealed by the run's digest",
    "monitoring_exactcheck": "computed from rows read again; its figures stand in the entry that ends it",
    "monitoring_explanation": "computed; sealed by the digest of its report, in the entry that files it",
}
