"""What must hold for a model to be registered, and to be changed now."""

from accounts.refusals import InvalidInput, NotNow
from inventory.models import Model, ModelVersion
from inventory.models.model import REF_START, STAGE_TRANSITIONS

# Words that stand behind a model in the API's addresses: /models/<id>/versions/…
# Before a new one, look whether ids that are registered already hold it.
WORDS_OF_ADDRESSES = ("digest", "monitors", "stage", "versions")


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
