"""What must hold before a model is registered."""

from accounts.refusals import InvalidInput
from inventory.models.model import REF_START

# Words that stand behind a model in the API's addresses: /models/<id>/versions/…
# Before a new one, look whether ids that are registered already hold it.
WORDS_OF_ADDRESSES = ("digest", "monitors", "versions")


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
