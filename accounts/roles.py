"""Who may do what: the roles, what each permits, and how far each reaches. Code, shown in the portal."""

from enum import Flag, StrEnum, auto

from django.db import models


class Role(models.TextChoices):
    OWNER = "owner", "Model owner"
    DEVELOPER = "developer", "Model developer"
    VALIDATOR = "validator", "Validator"
    OFFICER = "officer", "Model risk officer"
    COMMITTEE = "committee", "Committee member"
    AUDITOR = "auditor", "Auditor"
    ADMINISTRATOR = "administrator", "Administrator of the portal"
    SERVICE = "service", "Service account"


class Permission(StrEnum):
    SEE_MODELS = "see models"
    SEE_WHOLE_TRAIL = "see the whole trail"
    REGISTER = "register, edit and version models"
    MONITOR = "define monitors and ask for runs"
    DEFINE_FIELDS = "define fields of the record"
    RATE_MODELS = "rate models and propose tiers"
    JUDGE_RATINGS = "confirm and challenge ratings"
    DECIDE_TIERS = "decide on proposed tiers"
    KEEP_SCHEMES = "draft and decide tiering schemes"
    KEEP_ASSETS = "keep assets that models share"
    SEE_ADMINISTRATION = "see people, roles and tokens"
    MANAGE_PEOPLE = "manage people, roles and tokens"
    KEEP_LOG = "begin an epoch of the log"
    SEE_JOBS = "see background work"
    RETRY_JOBS = "try failed background work again"


class Reach(Flag):
    """How far a permission reaches; a permission may reach in more than one way."""

    UNITS = auto()
    OWN = auto()
    ASSIGNED = auto()
    BANK = auto()

    @property
    def words(self) -> str:
        return ", ".join(_WORDS[way] for way in self)


_WORDS = {
    Reach.UNITS: "own units",
    Reach.OWN: "own models",
    Reach.ASSIGNED: "assigned models",
    Reach.BANK: "whole bank",
}

MATRIX: dict[Role, dict[Permission, Reach]] = {
    Role.OWNER: {
        Permission.SEE_MODELS: Reach.UNITS,
        Permission.REGISTER: Reach.OWN,
        Permission.MONITOR: Reach.OWN,
        Permission.RATE_MODELS: Reach.OWN,
    },
    Role.DEVELOPER: {
        Permission.SEE_MODELS: Reach.UNITS,
        Permission.REGISTER: Reach.OWN,
        Permission.MONITOR: Reach.OWN,
        Permission.RATE_MODELS: Reach.OWN,
    },
    Role.VALIDATOR: {
        Permission.SEE_MODELS: Reach.UNITS | Reach.ASSIGNED,
        Permission.JUDGE_RATINGS: Reach.UNITS | Reach.ASSIGNED,
    },
    Role.OFFICER: {
        Permission.SEE_MODELS: Reach.BANK,
        Permission.SEE_WHOLE_TRAIL: Reach.BANK,
        Permission.REGISTER: Reach.BANK,
        Permission.MONITOR: Reach.BANK,
        Permission.DEFINE_FIELDS: Reach.BANK,
        Permission.RATE_MODELS: Reach.BANK,
        Permission.JUDGE_RATINGS: Reach.BANK,
        Permission.DECIDE_TIERS: Reach.BANK,
        Permission.KEEP_SCHEMES: Reach.BANK,
        Permission.KEEP_ASSETS: Reach.BANK,
        Permission.SEE_JOBS: Reach.BANK,
        Permission.RETRY_JOBS: Reach.BANK,
    },
    Role.COMMITTEE: {Permission.SEE_MODELS: Reach.UNITS | Reach.ASSIGNED},
    Role.AUDITOR: {
        Permission.SEE_MODELS: Reach.BANK,
        Permission.SEE_WHOLE_TRAIL: Reach.BANK,
        Permission.SEE_ADMINISTRATION: Reach.BANK,
        Permission.SEE_JOBS: Reach.BANK,
    },
    Role.ADMINISTRATOR: {
        Permission.SEE_ADMINISTRATION: Reach.BANK,
        Permission.MANAGE_PEOPLE: Reach.BANK,
        Permission.KEEP_LOG: Reach.BANK,
        Permission.SEE_JOBS: Reach.BANK,
        Permission.RETRY_JOBS: Reach.BANK,
    },
    Role.SERVICE: {
        Permission.SEE_MODELS: Reach.UNITS,
        Permission.REGISTER: Reach.UNITS,
        Permission.MONITOR: Reach.UNITS,
    },
}

# Roles that reach the whole bank are held over the whole bank: over one unit they would promise more than they give.
BANK_WIDE = frozenset(role for role, permits in MATRIX.items() if any(Reach.BANK in way for way in permits.values()))

# A token never permits more than its account's role; it may permit less.
SCOPES: dict[str, frozenset[Permission]] = {
    "models:read": frozenset({Permission.SEE_MODELS}),
    "models:write": frozenset({Permission.SEE_MODELS, Permission.REGISTER, Permission.RATE_MODELS}),
    "monitoring:write": frozenset({Permission.SEE_MODELS, Permission.MONITOR}),
}
