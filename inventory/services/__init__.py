"""Verbs of the register, by what they are about."""

from inventory.services.access import end_access, give_access
from inventory.services.fields import change_field, define_field, publish_pack, retire_field
from inventory.services.frameworks import publish_framework
from inventory.services.models import digest_of, edit_model, move_stage, register_model
from inventory.services.overlays import renew_overlay, set_overlay_value
from inventory.services.parts import (
    add_part,
    ask_for_approval,
    close_part,
    decide_approval,
    edit_part,
    part_digest,
    waiting_approval,
)
from inventory.services.records import edit_record, record_digest, record_values, record_values_at, values_at
from inventory.services.standing import lock_standing, set_standing
from inventory.services.verdicts import give_verdict
from inventory.services.versions import (
    COMPUTE_DIGEST,
    classify_change,
    fail_digest,
    register_version,
    retry_digest,
    settle_digest,
)

__all__ = [
    "COMPUTE_DIGEST",
    "add_part",
    "ask_for_approval",
    "change_field",
    "classify_change",
    "close_part",
    "decide_approval",
    "define_field",
    "digest_of",
    "edit_model",
    "edit_part",
    "edit_record",
    "end_access",
    "fail_digest",
    "give_access",
    "give_verdict",
    "lock_standing",
    "move_stage",
    "part_digest",
    "publish_framework",
    "publish_pack",
    "record_digest",
    "record_values",
    "record_values_at",
    "register_model",
    "register_version",
    "renew_overlay",
    "retire_field",
    "retry_digest",
    "set_overlay_value",
    "set_standing",
    "settle_digest",
    "values_at",
    "waiting_approval",
]
