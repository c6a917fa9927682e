"""The network as a reader sees it: its lines, what hangs on a node, and where the book is concentrated. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Q, QuerySet

from accounts.models import Account
from accounts.permissions import seen_units
from inventory.measures.layers import steps_from
from inventory.models import Asset, Dependency, Model
from inventory.models.dependency import ASSET, MODEL, downstream_of, node_of

# As EDGES of models.dependency has it: the other way round than the line points.
BACKWARDS = (Dependency.Kind.DERIVED_FROM, Dependency.Kind.OVERLAY_ON)
SHARED = (Dependency.Kind.SHARES_DATA, Dependency.Kind.SHARES_COMPONENT)


@dataclass(frozen=True)
class Weight:
    """How much of the book some models are. exposure: in millions, of those where it is known."""

    models: int = 0
    tier_1: int = 0
    exposure: Decimal = Decimal(0)
    tier_1_exposure: Decimal = Decimal(0)
    unknown: int = 0  # models without an exposure

    def share_of(self, whole: Weight) -> Share:
        return Share(
            _share(self.models, whole.models),
            _share(self.tier_1, whole.tier_1),
            _share(self.exposure, whole.exposure),
            _share(self.tier_1_exposure, whole.tier_1_exposure),
        )


@dataclass(frozen=True)
class Share:
    """Fractions of the book; None where the book has nothing of the kind."""

    models: float | None
    tier_1: float | None
    exposure: float | None
    tier_1_exposure: float | None


def _share(part, whole) -> float | None:
    return float(part / whole) if whole else None


@dataclass(frozen=True)
class Network:
    """Nodes by name (m12 a model, a5 an asset), and the lines in force between them."""

    nodes: dict[str, Model | Asset]
    lines: list[Dependency] = field(default_factory=list)

    def edges(self) -> list[tuple[str, str]]:
        """Each line from its source to its target, as it points."""
        return [(node_of(line.source), node_of(line.target)) for line in self.lines]

    def flow(self) -> list[tuple[str, str]]:
        """The lines along which a change travels, from upstream to downstream."""
        return [flow for line in self.lines if (flow := flow_of(line))]


def flow_of(line: Dependency) -> tuple[str, str] | None:
    source, target = node_of(line.source), node_of(line.target)
    if line.kind in BACKWARDS:
        return target, source
    travels = line.kind == Dependency.Kind.FEEDS or (line.kind in SHARED and line.source_asset_id)
    return (source, target) if travels else None


def network_of(*, account: Account) -> Network:
    """Every line whose ends the account may see; assets are known to the whole bank. Two queries."""
    visible = Model.objects.visible_to(account)
    lines = list(_seen(Dependency.objects.in_force(), visible).select_related(*_ENDS).order_by("pk"))
    return Network({node_of(end): end for line in lines for end in (line.source, line.target)}, lines)


_ENDS = (
    *("source_model__standing", "source_model__owner__details", "source_asset"),
    *("target_model__standing", "target_model__owner__details", "target_asset"),
)


def _seen(lines: QuerySet[Dependency], visible: QuerySet[Model]) -> QuerySet[Dependency]:
    models = visible.order_by().values("pk")
    return lines.filter(
        Q(source_model=None) | Q(source_model__in=models), Q(target_model=None) | Q(target_model__in=models)
    )


@dataclass(frozen=True)
class Impact:
    """What feels a change of one node: the models that the reader sees, the nearest first, and their weight."""

    models: list[tuple[Model, int]]
    weight: Weight
    whole: Weight
    is_on_cycle: bool

    @property
    def share(self) -> Share:
        return self.weight.share_of(self.whole)


def impact_of(*, record: Model | Asset, account: Account) -> Impact:
    """What is downstream of a model or asset, and how much of the book that the reader sees hangs on it."""
    visible, node = Model.objects.visible_to(account), node_of(record)
    reached = downstream_of([node], _among(account))[node]
    models = list(
        _live(visible)
        .filter(pk__in=_keys(reached - {node}, MODEL))
        .select_related("standing", "owner__details", "unit")
    )
    lines = _seen(Dependency.objects.in_force(), visible).select_related(*_ENDS)
    steps = steps_from(node, Network({}, list(lines)).flow())
    ordered = sorted(
        ((model, steps.get(node_of(model), 0)) for model in models), key=lambda pair: (pair[1], pair[0].ref)
    )
    return Impact(ordered, weigh(models), weigh(_live(visible).select_related("standing")), node in reached)


def _among(account: Account) -> list[str] | None:
    """The nodes that a reader may look at and go through; None: all of them."""
    condition = seen_units(account, "unit__path")
    if condition is not None and not condition:
        return None
    visible = Model.objects.visible_to(account).order_by().values_list("pk", flat=True)
    assets = Asset.objects.values_list("pk", flat=True)
    return [*(f"{MODEL}{pk}" for pk in visible), *(f"{ASSET}{pk}" for pk in assets)]


def _keys(nodes: Iterable[str], kind: str) -> list[int]:
    return [int(node[1:]) for node in nodes if node[0] == kind]


def _live(models: QuerySet[Model]) -> QuerySet[Model]:
    return models.exclude(stage=Model.Stage.RETIRED)


def weigh(models: Iterable[Model]) -> Weight:
    models = list(models)
    exposures = [(model.tier, model.standing.exposure) for model in models]
    return Weight(
        models=len(models),
        tier_1=sum(tier == 1 for tier, _ in exposures),
        exposure=sum((exposure or 0 for _, exposure in exposures), Decimal(0)),
        tier_1_exposure=sum((exposure or 0 for tier, exposure in exposures if tier == 1), Decimal(0)),
        unknown=sum(exposure is None for _, exposure in exposures),
    )


@dataclass(frozen=True)
class Concentration:
    """How much of the book rests on one asset."""

    asset: Asset
    weight: Weight
    share: Share


def concentrations(*, account: Account) -> tuple[list[Concentration], Weight]:
    """Every asset in use with what rests on it, of the models that the account sees, and their whole weight.

    Four queries, however large the network.
    """
    visible = Model.objects.visible_to(account)
    models = {node_of(model): model for model in _live(visible).select_related("standing")}
    whole, assets = weigh(models.values()), list(Asset.objects.in_use())
    reached = downstream_of([node_of(asset) for asset in assets], _among(account))
    found = []
    for asset in assets:
        weight = weigh(models[node] for node in reached[node_of(asset)] if node in models)
        found.append(Concentration(asset, weight, weight.share_of(whole)))
    return found, whole
