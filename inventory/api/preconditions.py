"""What must hold before an answer: the state of the record that an update is for, and who may have a stored one."""

from drf_spectacular.utils import OpenApiParameter

from accounts.refusals import MustNameVersion
from inventory.access import find_model
from inventory.permissions import check_can_edit
from inventory.refusals import ChangedSince
from web.conditions import holds

IF_MATCH = OpenApiParameter(
    "If-Match",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="ETag you read; several, joined by commas; or `*` for whatever stands",
)


def digest_read(request, digest: str) -> str:
    """The record's digest where If-Match lets it through as it stands; else empty, which no record has.

    Raises MustNameVersion without If-Match, InvalidInput where that can be none.
    """
    sent = request.headers.get("If-Match", "").strip()
    if not sent:
        raise MustNameVersion("Send If-Match with the ETag that you read, so that nobody's change is lost.")
    standing = f'"{digest}"'
    if holds(sent, etag=standing):
        return digest
    if f"W/{standing}" in sent:
        raise ChangedSince("A weak ETag, W/…, never holds. Compression on the way makes one; send it without W/.")
    return ""


def may_edit(request, answer: dict, ref: str, **_place) -> None:
    """Whether who asks may still edit the model: else a stored answer about it is not theirs to read."""
    check_can_edit(request.user, find_model(request, ref))
