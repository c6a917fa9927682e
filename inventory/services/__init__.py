"""Verbs of the register, by what they are about."""

from inventory.services.access import end_access, give_access
from inventory.services.frameworks import publish_framework
from inventory.services.models import digest_of, edit_model, move_stage, register_model
from inventory.services.standing import lock_standing, set_standing
from inventory.services.versions import COMPUTE_DIGEST, fail_digest, register_version, retry_digest, settle_digest

__all__ = [
    "COMPUTE_DIGEST",
    "digest_of",
    "edit_model",
    "end_access",
    "fail_digest",
    "give_access",
    "lock_standing",
    "move_stage",
    "publish_framework",
    "register_model",
    "register_version",
    "retry_digest",
    "set_standing",
    "settle_digest",
]
