from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, models
from django.db.models import F, Q

# A node of the network by its kind and key: m12 is a model, a5 an asset.
MODEL, ASSET = "m", "a"


class DependencyQuerySet(models.QuerySet):
    def in_force(self) -> DependencyQuerySet:
        return self.filter(ended_at=None)

    def touching(self, node: str) -> DependencyQuerySet:
        """Those that begin or end at a node."""
        ends = {MODEL: ("source_model", "target_model"), ASSET: ("source_asset", "target_asset")}[node[0]]
        return self.filter(Q(**{ends[0]: node[1:]}) | Q(**{ends[1]: node[1:]}))


class Dependency(models.Model):
    """One directed line of the network, of one kind, between two models, two assets, or one of each."""

    class Kind(models.TextChoices):
        FEEDS = "feeds", "Feeds"
        CHALLENGER_OF = "challenger_of", "Challenger of"
        DERIVED_FROM = "derived_from", "Derived from"
        SHARES_DATA = "shares_data", "Shares data with"
        SHARES_COMPONENT = "shares_component", "Shares a component with"
        OVERLAY_ON = "overlay_on", "Overlay on"

    kind = models.CharField(max_length=16, choices=Kind)
    source_model = models.ForeignKey("inventory.Model", models.PROTECT, null=True, blank=True, related_name="+")
    source_asset = models.ForeignKey("inventory.Asset", models.PROTECT, null=True, blank=True, related_name="+")
    target_model = models.ForeignKey("inventory.Model", models.PROTECT, null=True, blank=True, related_name="+")
    target_asset = models.ForeignKey("inventory.Asset", models.PROTECT, null=True, blank=True, related_name="+")
    note = models.CharField(max_length=300, blank=True, help_text="What flows, or what is shared")
    trail = models.CharField(max_length=120, help_text="The trail that it hangs on: its target's, if that is a model")
    added_at = models.DateTimeField(auto_now_add=True)
    added_by = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey("accounts.Person", models.PROTECT, null=True, blank=True, related_name="+")

    objects = DependencyQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "dependencies"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "source_model", "source_asset", "target_model", "target_asset"],
                condition=Q(ended_at=None),
                nulls_distinct=False,
                name="dependency_in_force_once",
            ),
            models.CheckConstraint(
                condition=(Q(source_model=None) ^ Q(source_asset=None)) & (Q(target_model=None) ^ Q(target_asset=None)),
                name="dependency_has_two_ends",
            ),
            models.CheckConstraint(
                condition=~Q(source_model=F("target_model")) & ~Q(source_asset=F("target_asset")),
                name="dependency_not_on_itself",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="dependency_ended_at_has_ended_by",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.get_kind_display().lower()} {self.target}"

    @property
    def source(self):
        return self.source_model or self.source_asset

    @property
    def target(self):
        return self.target_model or self.target_asset


def words_of(record: models.Model) -> str:
    """A node in an entry's words: readers of one end may not see the model at the other, so it goes by its id alone."""
    return record.ref if record._meta.model_name == "model" else record.name


def node_of(record: models.Model) -> str:
    return f"{MODEL if record._meta.model_name == 'model' else ASSET}{record.pk}"


# Which way a change travels. A challenger decides nothing, so none travels along it. What is derived from another, or
# laid over it, feels the other's change. Two models that share something feel the change of what they share, which is a
# node of its own: along the line between the two none travels, from a shared asset it does.
EDGES = """
    select case when kind in ('derived_from', 'overlay_on') then target else source end as upstream,
           case when kind in ('derived_from', 'overlay_on') then source else target end as downstream
    from (select kind, coalesce('m' || source_model_id, 'a' || source_asset_id) as source,
                 coalesce('m' || target_model_id, 'a' || target_asset_id) as target, source_asset_id
          from inventory_dependency where ended_at is null) line
    where kind in ('feeds', 'derived_from', 'overlay_on')
       or kind in ('shares_data', 'shares_component') and source_asset_id is not null
"""
# UNION keeps each node once, so that a cycle ends: UNION ALL would go round for ever.
DOWNSTREAM = f"""
with recursive edge as materialized ({EDGES}),
reached(start, node) as (
    select e.upstream, e.downstream from edge e where e.upstream = any(%(starts)s)
    union
    select r.start, e.downstream from reached r join edge e on e.upstream = r.node
    where %(among)s::text[] is null or r.node = any(%(among)s)
)
select start, node from reached where %(among)s::text[] is null or node = any(%(among)s)
"""  # noqa: S608 (no value is written into it)


def downstream_of(starts: Iterable[str], among: Iterable[str] | None = None) -> dict[str, set[str]]:
    """Each start with the nodes that feel its change, itself too where it lies on a cycle; one query.

    among  nodes that are looked at, and gone through; None: all of them
    """
    starts = list(starts)
    with connection.cursor() as cursor:
        cursor.execute(DOWNSTREAM, {"starts": starts, "among": None if among is None else list(among)})
        found: dict[str, set[str]] = {start: set() for start in starts}
        for start, node in cursor.fetchall():
            found[start] |= {node}
        return found
