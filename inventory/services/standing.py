"""Say how a model stands: one row, of which each app sets its part."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from inventory.models import Model, Standing
from inventory.models.standing import PARTS


def lock_standing(*, model: Model) -> Standing:
    """The model's standing, locked until the transaction ends.

    To be taken before what is set is computed: of two that compute at once, the later would miss what the earlier
    found, and set it back.
    """
    return Standing.objects.select_for_update().get(model=model)


@transaction.atomic
def set_standing(*, model: Model, part: str, **values) -> Standing:
    """Say how a model stands in the part of one app (models.standing.PARTS); since when the light shows follows.

    Raises ValueError for a column that is not of this part.
    """
    foreign = sorted(set(values) - set(PARTS.get(part, ())))
    if foreign:
        raise ValueError(f"{', '.join(foreign)} of a standing is not {part}'s to set")
    standing = Standing.objects.select_for_update().get(model=model)
    if values.get("light", standing.light) != standing.light:
        standing.light_since = timezone.now()
    for name, value in values.items():
        setattr(standing, name, value)
    standing.save(update_fields=[*values, "light_since"])
    return standing
