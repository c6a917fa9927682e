from audit.events import Event

MODEL_REGISTERED = Event(
    "inventory.model_registered", "Model registered", "{ref} {name}, {kind}, external id {external_id}"
)
MODEL_EDITED = Event("inventory.model_edited", "Model edited", "{changes}")
STAGE_MOVED = Event("inventory.stage_moved", "Stage moved", "From {from} to {to}: {reason}")
VERSION_REGISTERED = Event("inventory.version_registered", "Version registered", "{label} from {mlflow_uri}")
DIGEST_VERIFIED = Event(
    "inventory.digest_verified", "Digest computed", "{label}: {flavour}, {files} files, model digest {digest}"
)
DIGEST_MISMATCH = Event(
    "inventory.digest_mismatch", "Version refused", "{label}: the client said {claimed}, the artefact is {digest}"
)
DIGEST_RETRIED = Event("inventory.digest_retried", "Digest asked for again", "{label}")
DIGEST_FAILED = Event("inventory.digest_failed", "Artefact not read", "{label}: {reason}")
ACCESS_GIVEN = Event("inventory.access_given", "Access given", "{hr_number} may see {ref} until {until}, for {why}")
ACCESS_ENDED = Event("inventory.access_ended", "Access ended", "{hr_number} to {ref}, for {why}: {reason}")
FRAMEWORK_PUBLISHED = Event(
    "inventory.framework_published", "Regime published", "{code} version {version}, {clauses} clauses, file {sha256}"
)
RECORD_EDITED = Event("inventory.record_edited", "Record edited", "{changes}")
PART_ADDED = Event("inventory.part_added", "Added to the record", "{noun} {ref}: {words}")
PART_EDITED = Event("inventory.part_edited", "Changed in the record", "{noun} {ref}: {changes}")
PART_CLOSED = Event("inventory.part_closed", "Closed in the record", "{noun} {ref}: {reason}")
PART_APPROVED = Event("inventory.part_approved", "Approved in the record", "{noun} {ref}: {reason}")
OVERLAY_VALUED = Event("inventory.overlay_valued", "Overlay sized", "{ref}: {value} {unit} from {day}: {reason}")
OVERLAY_RENEWED = Event(
    "inventory.overlay_renewed", "Overlay renewed", "{ref} until {until}, renewal {count} for its cause: {reason}"
)
REDEVELOPMENT_ASKED = Event(
    "inventory.redevelopment_asked",
    "Redevelopment review asked for",
    "Overlays for {ref} were renewed {count} times: {words}",
)
VERDICT_GIVEN = Event("inventory.verdict_given", "Scope decided", "{regime}: {scope} from {day}: {rationale}")
CHANGE_CLASSIFIED = Event("inventory.change_classified", "Change classified", "{label}: {change_class}: {reason}")
FIELD_DEFINED = Event("inventory.field_defined", "Field of the record defined", "{label} ({key}), {type}")
FIELD_CHANGED = Event("inventory.field_changed", "Field of the record changed", "{label}: {changes}")
FIELD_RETIRED = Event("inventory.field_retired", "Field of the record retired", "{label}: {reason}")
SCHEME_DRAFTED = Event("inventory.scheme_drafted", "Tiering scheme drafted", "No. {number}, {name}: {note}")
SCHEME_EDITED = Event("inventory.scheme_edited", "Draft of a tiering scheme edited", "No. {number}, {name}: {note}")
SCHEME_DISCARDED = Event("inventory.scheme_discarded", "Draft of a tiering scheme discarded", "No. {number}: {reason}")
SCHEME_PUBLISHED = Event(
    "inventory.scheme_published",
    "Tiering scheme published",
    "No. {number} in place of no. {before}: {rated} models rated, {moved} moved to another tier ({moves}),"
    " {lacking} lack an answer and keep their tier",
)
MODEL_RATED = Event(
    "inventory.model_rated",
    "Model rated",
    "Tier {tier} under scheme no. {scheme}: inherent risk {inherent}, materiality {materiality}, residual {residual}",
)
RATING_CONFIRMED = Event("inventory.rating_confirmed", "Rating confirmed", "Tier {tier}: {reason}")
RATING_CHALLENGED = Event("inventory.rating_challenged", "Rating challenged", "Tier {tier}: {reason}")
OVERRIDE_GRANTED = Event(
    "inventory.override_granted",
    "Tier overridden",
    "Tier {tier} instead of {computed} until {until}: {reason}",
)
OVERRIDE_ENDED = Event(
    "inventory.override_ended", "Override of a tier ended", "{end}: tier {computed} again instead of {tier}. {reason}"
)
ASSET_REGISTERED = Event("inventory.asset_registered", "Registered for the network", "{kind} {name}")
ASSET_RETIRED = Event("inventory.asset_retired", "Retired from the network", "{kind} {name}: {reason}")
DEPENDENCY_ADDED = Event("inventory.dependency_added", "Dependency added", "{source} {kind} {target}. {note}")
DEPENDENCY_ENDED = Event("inventory.dependency_ended", "Dependency ended", "{source} {kind} {target}: {reason}")
REVIEWS_MARKED = Event(
    "inventory.reviews_marked",
    "Reviews asked for downstream",
    "{cause}, {upstream}: {models} models downstream. {what}",
)
REVIEW_SETTLED = Event("inventory.review_settled", "Review after a change upstream", "{cause}, {upstream}: {outcome}")
MODELS_EXPORTED = Event(
    "inventory.models_exported", "Models exported", "{rows} models as {form}, filtered by {query}: SHA-256 {sha256}"
)
CHANGES_APPLIED = Event(
    "inventory.changes_applied",
    "Changes of many models",
    "{kind}: {created} registered, {changed} changed, for {reason}; file {sha256}",
)
