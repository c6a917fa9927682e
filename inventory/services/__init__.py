"""Verbs of the register, by what they are about."""

from inventory.services.access import end_access, give_access
from inventory.services.assets import register_asset, retire_asset
from inventory.services.book import BookEffect, effect_on_book
from inventory.services.dependencies import add_dependency, end_dependency
from inventory.services.exports import (
    REMOVE_EXPIRED,
    WRITE_EXPORT,
    ask_for_export,
    check_handed_out,
    remove_expired,
    write_export,
    write_export_of_job,
    write_later,
)
from inventory.services.fields import change_field, define_field, publish_pack, retire_field
from inventory.services.frameworks import publish_framework
from inventory.services.models import digest_of, edit_model, move_stage, register_model
from inventory.services.network import concentrations, impact_of, network_of
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
from inventory.services.reviews import mark_downstream, move_review, note_material_change, settle_review
from inventory.services.schemes import (
    PUBLISH_SCHEME,
    checked,
    decide_scheme,
    discard_scheme,
    draft_scheme,
    edit_scheme,
    propose_scheme,
    publish_scheme,
    shipped_scheme,
)
from inventory.services.standing import lock_standing, set_standing
from inventory.services.tiers import (
    END_OVERRIDES,
    OVERRIDE_TIER,
    challenge_rating,
    confirm_rating,
    decide_override,
    end_overrides,
    grant_override,
    propose_override,
    rate_model,
    take_back_override,
)
from inventory.services.verdicts import give_verdict
from inventory.services.versions import (
    COMPUTE_DIGEST,
    classify_change,
    fail_digest,
    register_version,
    retry_digest,
    settle_digest,
)
from inventory.services.views import remove_view, save_view, share_view

__all__ = [
    "COMPUTE_DIGEST",
    "END_OVERRIDES",
    "OVERRIDE_TIER",
    "PUBLISH_SCHEME",
    "REMOVE_EXPIRED",
    "WRITE_EXPORT",
    "BookEffect",
    "add_dependency",
    "add_part",
    "ask_for_approval",
    "ask_for_export",
    "challenge_rating",
    "change_field",
    "check_handed_out",
    "checked",
    "classify_change",
    "close_part",
    "concentrations",
    "confirm_rating",
    "decide_approval",
    "decide_override",
    "decide_scheme",
    "define_field",
    "digest_of",
    "discard_scheme",
    "draft_scheme",
    "edit_model",
    "edit_part",
    "edit_record",
    "edit_scheme",
    "effect_on_book",
    "end_access",
    "end_dependency",
    "end_overrides",
    "fail_digest",
    "give_access",
    "give_verdict",
    "grant_override",
    "impact_of",
    "lock_standing",
    "mark_downstream",
    "move_review",
    "move_stage",
    "network_of",
    "note_material_change",
    "part_digest",
    "propose_override",
    "propose_scheme",
    "publish_framework",
    "publish_pack",
    "publish_scheme",
    "rate_model",
    "record_digest",
    "record_values",
    "record_values_at",
    "register_asset",
    "register_model",
    "register_version",
    "remove_expired",
    "remove_view",
    "renew_overlay",
    "retire_asset",
    "retire_field",
    "retry_digest",
    "save_view",
    "set_overlay_value",
    "set_standing",
    "settle_digest",
    "settle_review",
    "share_view",
    "shipped_scheme",
    "take_back_override",
    "values_at",
    "waiting_approval",
    "write_export",
    "write_export_of_job",
    "write_later",
]
