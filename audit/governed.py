"""Which tables are governed: every change of one of their rows is captured, sealed and kept.

A governed row has a primary key `id`, is never deleted by the portal, and names the trail it hangs on by a
column of its own. Measurements are not here: they are sealed by one digest a run.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Governed:
    table: str
    subject: str
    trail_column: str = ""
    trail: str = ""


def of_model(table: str, subject: str) -> Governed:
    """A table whose rows hang on the trail of the model that `model_id` names."""
    return Governed(table, subject, "model_id", "inventory.model")


def of_person(table: str, subject: str) -> Governed:
    """A table whose rows hang on the trail of the person that `person_id` names."""
    return Governed(table, subject, "person_id", "accounts.person")


GOVERNED = (
    Governed("audit_artefact", "audit.artefact", "trail"),
    Governed("audit_attachment", "audit.attachment", "trail"),
    Governed("accounts_unit", "accounts.unit"),
    Governed("accounts_person", "accounts.person", "id", "accounts.person"),
    of_person("accounts_roleassignment", "accounts.roleassignment"),
    of_person("accounts_apitoken", "accounts.apitoken"),
    Governed("proposals_proposal", "proposals.proposal", "trail"),
    Governed("inventory_model", "inventory.model", "id", "inventory.model"),
    of_model("inventory_modelversion", "inventory.modelversion"),
    of_model("monitoring_monitor", "monitoring.monitor"),
    of_model("monitoring_threshold", "monitoring.threshold"),
    of_model("monitoring_reference", "monitoring.reference"),
    of_model("monitoring_breach", "monitoring.breach"),
)
