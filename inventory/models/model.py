from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Upper

from accounts.models import Account, PersonDetails
from accounts.permissions import reaches_assigned, seen_units
from accounts.roles import Permission
from inventory.models.access import Access

REF_START = "MDL-"
MOST_TAGS = 20
MOST_OWNERS = 200  # people whose names hold the words of a search
# What a search by whole words reads, in any order; `simple`, since names and abbreviations have no language.
WORDS = SearchVector("name", "purpose", "description", config="simple")


class ModelQuerySet(models.QuerySet):
    def visible_to(self, account: Account) -> ModelQuerySet:
        """Models of the units that the account's roles cover, of a token those of its unit; and assigned ones."""
        condition = seen_units(account, "unit__path")
        if condition is None:
            return self.none()
        if condition and reaches_assigned(account, Permission.SEE_MODELS):  # an empty one is the whole bank already
            condition |= Q(pk__in=Access.objects.in_force().of(account).values("model"))
        return self.filter(condition)

    def called(self, name: str) -> ModelQuerySet:
        """The model with this ref or external id. Which of the two it is, its first letters say."""
        return self.filter(ref=name) if name.startswith(REF_START) else self.filter(external_id=name)

    def matching(self, words: str) -> ModelQuerySet:
        """Name, id, external id or owner's name holds the words, the name is close to them, or the text has them all.

        Owners are looked up first: beside a subquery, PostgreSQL would read every model for the other conditions.
        """
        owners = PersonDetails.objects.filter(full_name__icontains=words).values_list("person_id", flat=True)
        return self.alias(words=WORDS).filter(
            Q(name__icontains=words)
            | Q(words=SearchQuery(words, config="simple", search_type="websearch"))
            | Q(ref__icontains=words)
            | Q(external_id__icontains=words)
            | Q(owner__in=list(owners[:MOST_OWNERS]))
            | Q(name__trigram_word_similar=words)
        )


class Model(models.Model):
    """A model of the bank, apart from its versions: what it is, whose it is, how far it has come."""

    class Kind(models.TextChoices):
        STATISTICAL = "statistical", "Statistical"
        MACHINE_LEARNING = "machine_learning", "Machine learning"
        DETERMINISTIC = "deterministic", "Deterministic with material use"
        EXPERT = "expert", "Expert judgement"
        VENDOR = "vendor", "Vendor"
        SPREADSHEET = "spreadsheet", "Spreadsheet"
        GENERATIVE = "generative", "Generative AI"
        AGENT = "agent", "Agent"

    class Stage(models.TextChoices):
        PROPOSED = "proposed", "Proposed"
        IN_DEVELOPMENT = "in_development", "In development"
        IN_VALIDATION = "in_validation", "In validation"
        APPROVED = "approved", "Approved"
        IN_USE = "in_use", "In use"
        RESTRICTED = "restricted", "Restricted"
        PAUSED = "paused", "Paused"
        RETIRED = "retired", "Retired"

    ref = models.CharField(max_length=20, unique=True, help_text="MDL-2026-0042")
    external_id = models.CharField(
        max_length=200, unique=True, help_text="The id by which pipelines know the model; it never changes"
    )
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    purpose = models.TextField(blank=True, help_text="What decisions it supports, for which product")
    kind = models.CharField(max_length=20, choices=Kind)
    stage = models.CharField(max_length=20, choices=Stage, default=Stage.IN_DEVELOPMENT)
    tier = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="1 is the most material; empty: not tiered"
    )
    unit = models.ForeignKey("accounts.Unit", models.PROTECT, related_name="models")
    owner = models.ForeignKey("accounts.Person", models.PROTECT, related_name="owned_models")
    developer = models.ForeignKey(
        "accounts.Person", models.PROTECT, related_name="developed_models", null=True, blank=True
    )
    tags = ArrayField(
        models.CharField(max_length=40), default=list, blank=True, help_text="Words of the bank's own, to find it by"
    )
    registered_at = models.DateTimeField(auto_now_add=True)
    registered_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")

    objects = ModelQuerySet.as_manager()

    class Meta:
        ordering = ["ref"]
        indexes = [
            GinIndex(name="model_name_trigram", fields=["name"], opclasses=["gin_trgm_ops"]),
            # `icontains` compares in capitals, so an index on the column itself would not serve it.
            GinIndex(OpClass(Upper("name"), "gin_trgm_ops"), name="model_upper_name_trigram"),
            GinIndex(OpClass(Upper("ref"), "gin_trgm_ops"), name="model_upper_ref_trigram"),
            GinIndex(OpClass(Upper("external_id"), "gin_trgm_ops"), name="model_upper_external_trigram"),
            models.Index(name="model_tier_ref", fields=["tier", "ref"]),
            models.Index(name="model_name_order", fields=["name", "id"]),
            GinIndex(WORDS, name="model_words"),
            GinIndex(name="model_tags", fields=["tags"]),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(tier=None) | Q(tier__range=(1, 4)), name="model_tier_1_to_4"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_live(self) -> bool:
        """Whether decisions are made with it today."""
        return self.stage in (self.Stage.IN_USE, self.Stage.RESTRICTED)

    def is_own_of(self, account: Account) -> bool:
        """Whether the account's person owns, develops or registered it."""
        return account.person_id in (self.owner_id, self.developer_id, self.registered_by_id)

    def is_assigned_to(self, account: Account) -> bool:
        """Whether the account's person was given access to it."""
        return self.accesses.in_force().of(account).exists()

    def was_built_by(self, account: Account) -> bool:
        """Whether it is the person's own, or holds a version that the person registered."""
        return self.is_own_of(account) or self.versions.filter(registered_by=account.person_id).exists()


# From each stage, where a model may go; held by a trigger in the database too.
STAGE_TRANSITIONS = {
    # An idea is taken up or turned down; it cannot be validated before there is something to validate.
    Model.Stage.PROPOSED: {Model.Stage.IN_DEVELOPMENT, Model.Stage.RETIRED},
    # No way round validation: what was built is validated, or given up.
    Model.Stage.IN_DEVELOPMENT: {Model.Stage.IN_VALIDATION, Model.Stage.RETIRED},
    Model.Stage.IN_VALIDATION: {Model.Stage.IN_DEVELOPMENT, Model.Stage.APPROVED, Model.Stage.RETIRED},
    # Approved with conditions, a model goes live restricted. Changed before it went live, it is validated again.
    Model.Stage.APPROVED: {
        Model.Stage.IN_USE,
        Model.Stage.RESTRICTED,
        Model.Stage.IN_VALIDATION,
        Model.Stage.RETIRED,
    },
    # A model in use stays there while it is validated again or its next version is built: decisions are made with
    # it meanwhile, and its stage must say so.
    Model.Stage.IN_USE: {Model.Stage.RESTRICTED, Model.Stage.PAUSED, Model.Stage.RETIRED},
    Model.Stage.RESTRICTED: {Model.Stage.IN_USE, Model.Stage.PAUSED, Model.Stage.RETIRED},
    # No decision is made with a paused model. What stopped it is over, or was found to need work.
    Model.Stage.PAUSED: {
        Model.Stage.IN_USE,
        Model.Stage.RESTRICTED,
        Model.Stage.IN_VALIDATION,
        Model.Stage.IN_DEVELOPMENT,
        Model.Stage.RETIRED,
    },
    # A retired record stays, read-only. A model that comes back is registered anew and validated.
    Model.Stage.RETIRED: set(),
}

# How far the bank relies on a model in each stage. More reliance is never given by who built or owns the model.
RELIANCE = {
    Model.Stage.PROPOSED: 0,
    Model.Stage.IN_DEVELOPMENT: 0,
    Model.Stage.IN_VALIDATION: 0,
    Model.Stage.PAUSED: 0,
    Model.Stage.RETIRED: 0,
    Model.Stage.APPROVED: 1,
    Model.Stage.RESTRICTED: 2,
    Model.Stage.IN_USE: 3,
}


def next_ref(year: int) -> str:
    """The next free id of the year. The sequence may skip, it never repeats."""
    return next_refs(year, 1)[0]


def next_refs(year: int, count: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("select nextval('inventory_model_number') from generate_series(1, %s)", [count])
        return [f"{REF_START}{year}-{number:04d}" for (number,) in cursor.fetchall()]
