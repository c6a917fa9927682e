from audit.events import Event

BANK_STARTED = Event("accounts.bank_started", "Bank started", "{name}, with the administrators {administrators}")
UNIT_ADDED = Event("accounts.unit_added", "Unit added", "Unit {name} ({path})")
PERSON_ADDED = Event("accounts.person_added", "Person added", "Person {hr_number} joined {unit}")
PERSON_DISABLED = Event("accounts.person_disabled", "Person disabled", "Person {hr_number}: {reason}")
PERSON_ENABLED = Event("accounts.person_enabled", "Person enabled again", "Person {hr_number}: {reason}")
ACCOUNT_ADDED = Event("accounts.account_added", "Account added", "{kind} account {username} of {hr_number}")
ROLE_GRANTED = Event("accounts.role_granted", "Role granted", "{role}, {unit}, for {hr_number}")
ROLE_ENDED = Event("accounts.role_ended", "Role ended", "{role}, {unit}, of {hr_number}: {reason}")
TOKEN_MADE = Event(
    "accounts.token_made",
    "Token made",
    "{name}, of {username} ({hr_number}): {scopes}, in {unit}, until {expires_at}",
)
TOKEN_REVOKED = Event("accounts.token_revoked", "Token revoked", "{name}, of {username} ({hr_number})")
