"""What must hold for a model to be registered, and to be changed now."""

from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from accounts.refusals import InvalidInput, NotNow
from inventory.models import (
    ApprovedPart,
    Assessment,
    Asset,
    ChangeSet,
    Dependency,
    Model,
    ModelVersion,
    Part,
    TieringScheme,
)
from inventory.models.assessment import ASSESSMENT_TRANSITIONS
from inventory.models.model import REF_START, STAGE_TRANSITIONS
from inventory.models.version import CLASSES_AFTER
from proposals.models import Proposal

# Words that stand behind a model in the API's addresses: /models/<id>/versions/…
# Before a new one, look whether ids that are registered already hold it.
WORDS_OF_ADDRESSES = (
    "assumptions",
    "change-class",
    "closing",
    "digest",
    "exceptions",
    "limitations",
    "monitors",
    "network",
    "overlays",
    "record",
    "renewals",
    "responsibilities",
    "stage",
    "tier",
    "uses",
    "values",
    "verdicts",
    "versions",
)


def check_external_id(external_id: str) -> None:
    """Refuse an id that could not be read back: its address would be another one's. Raises InvalidInput."""
    parts = external_id.split("/")
    problem = None
    if external_id.upper().startswith(REF_START):
        problem = f"Ids that begin with {REF_START} are given by the portal; choose another beginning."
    elif words := sorted(set(parts) & set(WORDS_OF_ADDRESSES)):
        problem = f"No part between slashes may be {' or '.join(words)}: the API's own addresses have it there."
    elif {"", ".", ".."} & set(parts):
        problem = "Between slashes something must stand, and not only dots: programs leave such parts out of addresses."
    if problem:
        raise InvalidInput({"external_id": f"{problem} Got {external_id!r}."})


def check_not_retired(model: Model) -> None:
    if model.stage == Model.Stage.RETIRED:
        raise NotNow(f"{model.ref} is retired: its record stays as it ended. Register the model anew to use it again.")


def check_step(model: Model, stage: Model.Stage) -> None:
    check_not_retired(model)
    following = STAGE_TRANSITIONS[Model.Stage(model.stage)]
    if stage not in following:
        words = ", ".join(end.label.lower() for end in Model.Stage if end in following)
        raise NotNow(
            f"{model.ref} is {model.get_stage_display().lower()}; it cannot become {stage.label.lower()} from there."
            f" What may follow: {words}."
        )


def check_not_refused(version: ModelVersion) -> None:
    """Raises NotNow for a version whose artefact is not the one that the client said it is."""
    if version.digest_state == ModelVersion.DigestState.MISMATCH:
        raise NotNow(f"{version} was refused: {version.digest_note}")


def today() -> date:
    """The day in the bank's zone."""
    return timezone.localdate(timezone=ZoneInfo(settings.BANK_TIME_ZONE))


def check_not_ahead(field: str, day: date) -> None:
    if day > today():
        raise InvalidInput({field: f"It must not be ahead, got {day:%d %b %Y}."})


def check_later(before: date, after: date) -> None:
    """Raises InvalidInput where a renewal would not end later than what it renews, or has ended already."""
    if after <= before:
        raise InvalidInput({"expires_on": f"It ends on {before:%d %b %Y} already; give a later day."})
    if after < today():
        raise InvalidInput({"expires_on": f"The last day must be ahead, got {after:%d %b %Y}."})


def check_not_closed(part: Part) -> None:
    if part.closed_at:
        raise NotNow(f"{part.ref} was closed: {part.closing_reason}. Add a new one instead.")


def check_not_approved(part: ApprovedPart) -> None:
    if part.approved_at:
        raise NotNow(f"{part.ref} is approved already, as it stands.")


def check_nothing_waits(part: Part, waiting: Proposal | None) -> None:
    if waiting:
        raise NotNow(f"{part.ref} waits for a decision since {waiting.asked_at:%d %b %Y}.")


def check_change_class(version: ModelVersion, change_class: ModelVersion.ChangeClass) -> None:
    """A change may turn out to be more than it was called, never less: what was decided on it would not hold."""
    now = ModelVersion.ChangeClass(version.change_class)
    if change_class not in CLASSES_AFTER[now]:
        raise NotNow(f"{version} is {now.label.lower()}; it cannot become {change_class.label.lower()}.")


# ---- tiers ------------------------------------------------------------------------------------------------
def check_draft(scheme: TieringScheme) -> None:
    if scheme.state != TieringScheme.State.DRAFT:
        raise NotNow(f"{scheme} is {scheme.get_state_display().lower()}; draft the next version to change anything.")


def check_judgement(assessment: Assessment, state: Assessment.State) -> None:
    if assessment.superseded_at:
        raise NotNow("The model was rated anew since; judge its newest rating.")
    if state not in ASSESSMENT_TRANSITIONS[Assessment.State(assessment.state)]:
        raise NotNow(f"This rating is {assessment.get_state_display().lower()} already.")


def check_override(assessment: Assessment, tier: int) -> None:
    """An override gives another tier, and there is one at a time."""
    if tier == assessment.tier:
        raise InvalidInput({"tier": f"{tier} is the computed tier; an override gives another one."})
    if assessment.model.overrides.in_force().exists():
        raise NotNow("An override is in force already; take it back, or wait until it ends.")


# ---- the network ------------------------------------------------------------------------------------------
BETWEEN_MODELS = (Dependency.Kind.CHALLENGER_OF, Dependency.Kind.OVERLAY_ON)


def check_ends(kind: Dependency.Kind, source: Model | Asset, target: Model | Asset) -> None:
    """What a line of this kind may join. Raises InvalidInput."""
    ends = {type(source), type(target)}
    problem = None
    if source == target:
        problem = "Nothing depends on itself."
    elif kind in BETWEEN_MODELS and ends != {Model}:
        problem = f"“{kind.label}” is said of two models."
    elif kind == Dependency.Kind.DERIVED_FROM and len(ends) > 1:
        problem = "What is derived and what it is derived from are both models, or neither is."
    elif kind in (Dependency.Kind.SHARES_DATA, Dependency.Kind.SHARES_COMPONENT) and isinstance(target, Asset):
        problem = f"“{kind.label}” ends at a model; what is shared stands at its beginning."
    if problem:
        raise InvalidInput({"target": problem})
    for end in (source, target):
        if isinstance(end, Model):
            check_not_retired(end)
        elif end.retired_at:
            raise NotNow(f"{end} is retired.")


def check_open_changes(change_set: ChangeSet) -> None:
    if not change_set.is_open:
        how = "applied" if change_set.applied_at else "discarded"
        raise NotNow(f"These changes were {how} already. Plan them again to see what is left to do.")


def check_applicable(change_set: ChangeSet, *, skip_errors: bool = False) -> None:
    check_open_changes(change_set)
    errors = change_set.counts.get("error", 0)
    if errors and not skip_errors:
        raise NotNow(
            f"{errors:,} row(s) have errors, so nothing is applied: all of it is made, or none. Mend them first."
        )
    if not change_set.to_do and not skip_errors:
        raise NotNow("Nothing would change: every row says what the records say already.")
