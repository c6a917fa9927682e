"""Units, persons and what they may: a person is who the bank employs, an account is how one signs in."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.roles import BANK_WIDE, Role
from audit.reading import subject_name


class Unit(models.Model):
    """A business unit. `path` holds the codes from the top, so that a unit covers all below it."""

    code = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    path = models.CharField(max_length=400, unique=True, help_text="/group/retail/originations/")

    class Meta:
        ordering = ["path"]

    def __str__(self) -> str:
        return self.name


class Person(models.Model):
    """Somebody the bank knows by an HR number. Name and mail are apart, so that they can be erased."""

    hr_number = models.CharField(max_length=40, unique=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="people")
    line_manager = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="reports")
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        details = getattr(self, "details", None)
        return details.full_name if details else self.hr_number


class PersonDetails(models.Model):
    """What identifies a person to people. The one table that an erasure request empties."""

    person = models.OneToOneField(Person, models.PROTECT, primary_key=True, related_name="details")
    full_name = models.CharField(max_length=120)
    mail = models.EmailField(blank=True)

    def __str__(self) -> str:
        return self.full_name

    @property
    def initials(self) -> str:
        words = self.full_name.split()
        return (words[0][:1] + words[-1][:1]).upper() if words else "?"


class RoleAssignmentQuerySet(models.QuerySet):
    def in_force(self) -> RoleAssignmentQuerySet:
        return self.filter(ended_at=None)

    def of_administrators(self) -> RoleAssignmentQuerySet:
        """In force, of people who are not disabled."""
        return self.in_force().filter(role=Role.ADMINISTRATOR, person__is_active=True)


class RoleAssignment(models.Model):
    """A role of a person over a unit and all below it; without a unit, over the whole bank.

    It begins and ends with an accepted proposal; a bank's first two administrators begin without one.
    """

    person = models.ForeignKey(Person, models.PROTECT, related_name="roles")
    role = models.CharField(max_length=20, choices=Role)
    unit = models.ForeignKey(Unit, models.PROTECT, null=True, blank=True)
    granted_at = models.DateTimeField(default=timezone.now)
    granted_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")

    objects = RoleAssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["person", "role", "unit"],
                condition=Q(ended_at=None),
                nulls_distinct=False,
                name="role_once_per_unit",
            ),
            models.CheckConstraint(
                condition=Q(granted_by=None) | ~Q(granted_by=models.F("person")),
                name="role_not_granted_to_oneself",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="role_ended_at_has_ended_by",
            ),
            models.CheckConstraint(
                condition=Q(unit=None) | ~Q(role__in=sorted(BANK_WIDE)) | Q(ended_at__isnull=False),
                name="bank_wide_role_has_no_unit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}, {self.unit or 'whole bank'}"


class AccountManager(BaseUserManager):
    def get_by_natural_key(self, username: str) -> Account:
        return self.select_related("person__details").get(username__iexact=username)


class Account(AbstractBaseUser):
    """A way to sign in. A service account acts for pipelines and has a person who answers for it."""

    class Kind(models.TextChoices):
        HUMAN = "human", "Person"
        SERVICE = "service", "Service account"

    username = models.CharField(max_length=80, unique=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="accounts")
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.HUMAN)
    is_active = models.BooleanField(default=True)

    objects = AccountManager()
    USERNAME_FIELD = "username"

    def __str__(self) -> str:
        return self.username

    @property
    def is_service(self) -> bool:
        return self.kind == self.Kind.SERVICE

    @property
    def person_name(self) -> str:
        """The acting person on the trail."""
        return subject_name(Person(pk=self.person_id))

    @property
    def account_name(self) -> str:
        return self.username

    # The token a request came with, and what it permits; None in a browser session.
    token: ApiToken | None = None


class ApiTokenQuerySet(models.QuerySet):
    def usable(self) -> ApiTokenQuerySet:
        now = timezone.now()
        return self.filter(
            revoked_at=None, expires_at__gt=now, account__is_active=True, account__person__is_active=True
        )


class ApiToken(models.Model):
    """A bearer token: only its SHA-256 is kept, it ends by itself, and it is shown once."""

    person = models.ForeignKey(Person, models.PROTECT, related_name="+", help_text="Who answers for it")
    account = models.ForeignKey(Account, models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=80)
    start = models.CharField(max_length=12, help_text="First characters, to tell tokens apart")
    sha256 = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=40))
    unit = models.ForeignKey(Unit, models.PROTECT, help_text="It reaches the models of this unit and below")
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-made_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None) | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="token_revoked_at_has_revoked_by",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("made_at")), name="token_expires_after_it_is_made"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.start}…)"


class TokenUse(models.Model):
    """When a token was last used, to within a few minutes. Apart from the token, which never moves."""

    token = models.OneToOneField(ApiToken, models.PROTECT, primary_key=True, related_name="use")
    used_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.token_id}, {self.used_at}"


class AnsweredRequest(models.Model):
    """What a writing request with an Idempotency-Key was answered. Not governed; kept for some days, see services."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="+")
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    headers = models.JSONField(default=dict)
    answered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return self.key
