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
