"""The record of a model, read whole: every field with its words, its help, and where it is filled in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from accounts.models import Person
from inventory.models import NOUNS, FieldDefinition, Model, ModelVersion, Part, Profile, Responsibility, Verdict

Stage, Duty = Model.Stage, Responsibility.Duty
BEFORE_USE = (Stage.PROPOSED, Stage.IN_DEVELOPMENT, Stage.IN_VALIDATION, Stage.APPROVED)


@dataclass(frozen=True)
class Record:
    """A model with all that its record says. parts: open ones, by the word of their noun."""

    model: Model
    profile: Profile
    parts: dict[str, list[Part]]
    verdicts: list[Verdict]
    newest: ModelVersion | None
    further: list[FieldDefinition]

    def duties(self, *duties: Duty) -> list[str]:
        found = [part for part in self.parts["responsibilities"] if part.duty in duties]
        return [f"{part.person}, {part.note}" if part.note else str(part.person) for part in found]


def read_record(model: Model) -> Record:
    """A fixed number of queries, whatever the record holds."""
    parts = {
        key: list(noun.part.objects.filter(model=model).open().select_related(*_beside(key)))
        for key, noun in NOUNS.items()
    }
    return Record(
        model=model,
        profile=Profile.objects.filter(model=model).first() or Profile(model=model),
        parts=parts,
        verdicts=list(model.verdicts.newest().select_related("framework", "decided_by__details")),
        newest=model.versions.newest_first().first(),
        further=list(FieldDefinition.objects.asked_of(model)),
    )


def _beside(key: str) -> tuple[str, ...]:
    return {
        "responsibilities": ("person__details",),
        "uses": ("approved_by__details",),
        "exceptions": ("approved_by__details",),
    }.get(key, ("added_by__details",))


@dataclass(frozen=True)
class RecordField:
    """One field of the record.

    says   what it holds, in words; nothing where it is missing
    place  where it is filled in: a field of the edit page, a noun of parts, or a page
    """

    key: str
    label: str
    help: str
    says: Callable[[Record], Iterable[str]]
    place: tuple[str, str] = field(default=("page", "model-record"))

    def words(self, record: Record) -> list[str]:
        return [words for words in self.says(record) if words]


def in_words(value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, datetime | date):
        return f"{value:%d %b %Y}"
    return str(value)


def of_model(name: str, label: str = "", help: str = "") -> RecordField:
    stored = Model._meta.get_field(name)
    return RecordField(
        name, label or _capital(stored.verbose_name), help or stored.help_text, _shown("model", name), ("edit", name)
    )


def of_profile(name: str, key: str = "") -> RecordField:
    stored = Profile._meta.get_field(name)
    return RecordField(
        key or name, _capital(stored.verbose_name), stored.help_text, _shown("profile", name), ("edit", name)
    )


def _shown(row: str, name: str) -> Callable[[Record], list[str]]:
    def shown(record: Record) -> list[str]:
        stored = getattr(record, row)
        display = getattr(stored, f"get_{name}_display", None)
        return [str(display()) if display else in_words(getattr(stored, name))]

    return shown


def _capital(words: object) -> str:
    return f"{str(words)[:1].upper()}{str(words)[1:]}"


def of_uses(name: str, label: str, help: str) -> RecordField:
    """A field of every use: missing where one of them does not say it."""

    def shown(record: Record) -> list[str]:
        said = [(use.ref, getattr(use, name)) for use in record.parts["uses"]]
        return [f"{ref}: {words}" for ref, words in said] if all(words for _, words in said) else []

    return RecordField(name, label, help, shown, ("noun", "uses"))


def parts_in_words(key: str, otherwise: str = "") -> Callable[[Record], list[str]]:
    def shown(record: Record) -> list[str]:
        return [f"{part.ref} {part.words}" for part in record.parts[key]] or [otherwise]

    return shown


def _approved_uses(record: Record) -> list[str]:
    return [f"{use.ref} {use.words}" for use in record.parts["uses"] if use.approved_at]


def _versions(record: Record) -> list[str]:
    version = record.newest
    return [f"{version.label}, {version.digest or version.get_digest_state_display().lower()}"] if version else []


def _deployed(record: Record) -> list[str]:
    if record.model.stage in BEFORE_USE and not record.profile.deployed_on:
        return ["Not deployed yet"]
    return [in_words(record.profile.deployed_on)]


def _rating(record: Record) -> list[str]:
    return [f"Tier {record.model.tier}"] if record.model.tier else []


def _monitoring(record: Record) -> list[str]:
    standing, exceptions = record.model.standing, record.profile.monitoring_exceptions
    return [standing.get_light_display() if standing.last_run_at else "", exceptions]


def _indicator_day(record: Record) -> list[str]:
    return [in_words(record.model.standing.last_run_at)]


def _frequency(record: Record) -> list[str]:
    months = record.profile.validation_months
    return [f"Every {months} months"] if months else []


def _validity(record: Record) -> list[str]:
    start, end = record.profile.valid_from, record.profile.valid_until
    return [f"{in_words(start)} to {in_words(end)}"] if start and end else []


def _updated(record: Record) -> list[str]:
    newest = record.newest
    return [f"Version {newest.label}, {newest.registered_at:%d %b %Y}"] if newest else []


def _verdicts(record: Record) -> list[str]:
    return [str(verdict) for verdict in record.verdicts]


def _duty(key: str, label: str, help: str, *duties: Duty) -> RecordField:
    return RecordField(key, label, help, lambda record: record.duties(*duties), ("noun", "responsibilities"))


def _noun(key: str, says: Callable[[Record], Iterable[str]], *, of: str = "", label: str = "") -> RecordField:
    noun = NOUNS[of or key]
    return RecordField(key, label or noun.many, noun.about, says, ("noun", noun.key))


def _person_of_model(name: str, help: str) -> RecordField:
    def shown(record: Record) -> list[str]:
        person: Person | None = getattr(record.model, name)
        return [str(person)] if person else []

    return RecordField(name, _capital(name), help, shown, ("edit", name))


GROUPS: tuple[tuple[str, tuple[RecordField, ...]], ...] = (
    (
        "Identity",
        (
            RecordField("ref", "Id", "Given by the portal; it never changes", lambda record: [record.model.ref]),
            of_model("name", help="What people call it"),
            of_model("description", help="Its key features and how it is used"),
            of_profile("origin"),
            of_profile("legal_entity"),
            of_model("kind", "Type", "What kind of model it is; some kinds have fields of their own"),
            of_profile("method"),
            RecordField(
                "versions",
                "Version and artefact digest",
                "The newest version; the portal computes the digest from the artefact",
                _versions,
                ("page", "model-versions"),
            ),
        ),
    ),
    (
        "Use",
        (
            of_model("purpose"),
            of_profile("products"),
            _noun("approved_uses", _approved_uses, of="uses", label="Approved uses"),
            of_uses("intended_use", "Intended use", "How it is meant to be used, for each use"),
            of_uses("actual_use", "Actual use", "How it is used today, against the intent"),
            of_uses("operating_boundaries", "Operating boundaries", "Within which it may be relied on"),
            of_uses("restrictions", "Restrictions", "What it may not be used for"),
            of_profile("users"),
            of_profile("jurisdictions"),
            RecordField(
                "scope_verdicts",
                "Scope by regime",
                "Whether it falls under each regime, as decided on a day",
                _verdicts,
                ("page", "give-verdict"),
            ),
        ),
    ),
    (
        "People",
        (
            _person_of_model("owner", "Who answers for the model"),
            _person_of_model("developer", "Who builds and keeps it"),
            _duty("reviewer", "Reviewer", "Who reviews it independently", Duty.REVIEWER, Duty.VALIDATOR),
            _duty("approver", "Approver", "Who approves it for use", Duty.APPROVER),
            _duty("validators", "Validators", "Everybody who validates it", Duty.VALIDATOR),
            _duty("senior_manager", "Senior manager (SMF)", "Who answers to the supervisor", Duty.SENIOR_MANAGER),
            _duty("delegate", "Delegate", "Who stands in for the owner", Duty.DELEGATE),
        ),
    ),
    (
        "Risk",
        (
            RecordField("rating", "Rating", "The tier, 1 the most material", _rating),
            of_profile("rating_basis"),
            of_profile("rating_inputs"),
            of_profile("inherent_risk"),
            of_profile("residual_risk"),
            of_profile("next_rating_on"),
            of_profile("negligible_exemption"),
        ),
    ),
    (
        "Inputs and outputs",
        (
            of_profile("data_sources"),
            of_profile("inputs"),
            of_profile("outputs"),
            of_profile("alternative_data"),
        ),
    ),
    ("Relations", (of_profile("dependencies"),)),
    (
        "Soundness",
        (
            _noun("assumptions", parts_in_words("assumptions")),
            _noun("limitations", parts_in_words("limitations")),
            _noun("overlays", parts_in_words("overlays", "None on record")),
            _noun("exceptions", parts_in_words("exceptions", "None on record")),
        ),
    ),
    (
        "Status",
        (
            RecordField("deployed_on", "Deployed", "First day in production", _deployed, ("edit", "deployed_on")),
            RecordField(
                "stage",
                "Lifecycle stage",
                "From proposed to retired; a retired record stays",
                lambda record: [record.model.get_stage_display()],
            ),
            RecordField(
                "monitoring_status",
                "Monitoring status, with exceptions",
                "The light of its monitoring, and what of it is missing or late",
                _monitoring,
                ("edit", "monitoring_exceptions"),
            ),
            RecordField(
                "indicator_on",
                "Indicators as of",
                "Day of the newest figures",
                _indicator_day,
                ("page", "model-monitoring"),
            ),
            of_profile("last_review_on"),
            of_profile("next_review_on"),
            RecordField(
                "validation_frequency",
                "Validated every",
                "How often it is validated, in months",
                _frequency,
                ("edit", "validation_months"),
            ),
            of_profile("validation_rationale"),
            RecordField(
                "validity_window",
                "Expected to stay valid",
                "From the first to the last day for which it is held to be valid",
                _validity,
                ("edit", "valid_until"),
            ),
            of_profile("open_findings"),
            of_profile("approval_conditions"),
            RecordField("last_update", "Last update", "The newest version", _updated, ("page", "model-versions")),
        ),
    ),
)
FIELDS = {entry.key: entry for _, entries in GROUPS for entry in entries}


def further_field(definition: FieldDefinition) -> RecordField:
    """A field of the bank's own, or of a pack, as one of the record."""

    def shown(record: Record) -> list[str]:
        value = record.profile.own.get(definition.key)
        day = isinstance(value, str) and definition.type == FieldDefinition.Type.DAY
        return [in_words(date.fromisoformat(value) if day else value)]

    key = f"own_{definition.key}"
    return RecordField(key, definition.label, definition.help, shown, ("edit", key))
