"""The network: lines between models and assets, what hangs on what, and what a change upstream asks downstream."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.utils import timezone

from accounts.refusals import InvalidInput, NotNow, NotPermitted
from audit.models import Entry, subject_name
from inventory import services
from inventory.models import Dependency, ReviewMark
from inventory.models.dependency import downstream_of, node_of
from tests.pages import browser_of, text_of
from tests.tiering import publish, rate, register


@pytest.fixture
def models(cast):
    """A → B → C → D, D feeds B (a cycle), E challenges B, and N of another unit that C feeds too."""
    made = {name: register(cast, f"Model {name}") for name in "ABCDE"}
    made["N"] = register(cast, "Noise of markets", unit=cast.markets, owner=cast.stranger.person)
    return made


@pytest.fixture
def line(cast, models):
    def line(kind, source, target, by=None):
        found, _ = services.add_dependency(
            kind=kind, source=models.get(source, source), target=models.get(target, target), by=by or cast.officer
        )
        return found

    return line


@pytest.fixture
def ring(line, models):
    for source, target in ("AB", "BC", "CD", "DB"):
        line("feeds", source, target)
    line("challenger_of", "E", "B")
    line("feeds", "C", "N")
    return models


@pytest.fixture
def bureau(cast, line, models):
    asset, _ = services.register_asset(kind="data_source", name="Credit bureau", by=cast.officer)
    line("feeds", asset, "A")
    return asset


def names(nodes, models, *more) -> set[str]:
    by_node = {node_of(record): str(record)[-1] for record in [*models.values(), *more]}
    return {by_node[node] for node in nodes}


def test_a_change_travels_through_a_cycle_and_ends_and_no_challenger_feels_it(ring, models):
    reached = downstream_of([node_of(models["A"]), node_of(models["C"]), node_of(models["E"])])

    assert names(reached[node_of(models["A"])], models) == {"B", "C", "D", "s"}
    assert names(reached[node_of(models["C"])], models) == {"D", "B", "C", "s"}
    assert reached[node_of(models["E"])] == set()


def test_what_is_derived_or_laid_over_feels_the_change_and_not_the_other_way_round(line, models):
    line("derived_from", "B", "A")
    line("overlay_on", "C", "B")
    line("shares_data", "D", "A")

    assert names(downstream_of([node_of(models["A"])])[node_of(models["A"])], models) == {"B", "C"}
    assert downstream_of([node_of(models["C"])])[node_of(models["C"])] == set()


def test_the_impact_weighs_what_hangs_on_it(cast, ring, bureau):
    publish(cast)
    for name, exposure in (("A", 100), ("B", 300), ("E", 600)):
        rate(ring[name], cast.owner, height=3, exposure=Decimal(exposure))

    impact = services.impact_of(record=bureau, account=cast.officer)

    assert [(model.name[-1], steps) for model, steps in impact.models] == [
        ("A", 1), ("B", 2), ("C", 3), ("D", 4), ("s", 4),
    ]  # fmt: skip
    assert (impact.weight.tier_1, impact.weight.tier_1_exposure, impact.weight.unknown) == (2, Decimal(400), 3)
    assert (impact.share.tier_1_exposure, impact.is_on_cycle) == (0.4, False)


def test_a_reader_of_one_unit_sees_no_model_of_another_in_any_figure(cast, ring, bureau):
    impact = services.impact_of(record=bureau, account=cast.owner)
    seen = services.network_of(account=cast.owner)
    strangers, _ = services.concentrations(account=cast.stranger)

    assert [model.name[-1] for model, _ in impact.models] == ["A", "B", "C", "D"]
    assert impact.whole.models == 5
    assert "Noise of markets" not in {str(record) for record in seen.nodes.values()}
    assert strangers[0].weight.models == 0


def test_the_book_is_concentrated_where_tier_1_rests(cast, ring, bureau, line):
    publish(cast)
    vendor, _ = services.register_asset(kind="vendor", name="Scores Ltd", by=cast.officer)
    line("feeds", vendor, "E")
    rate(ring["B"], cast.owner, height=3, exposure=Decimal(300))
    rate(ring["E"], cast.owner, height=3, exposure=Decimal(100))

    found, whole = services.concentrations(account=cast.officer)

    shares = {each.asset.name: (each.share.tier_1_exposure, each.share.tier_1, each.weight.models) for each in found}
    assert shares == {"Credit bureau": (0.75, 0.5, 5), "Scores Ltd": (0.25, 0.5, 1)}
    assert (whole.models, whole.tier_1_exposure) == (6, Decimal(400))


# ---- lines ------------------------------------------------------------------------------------------------
def test_a_line_stands_on_the_trails_of_both_ends_once(cast, line, models):
    first = line("feeds", "A", "B", by=cast.owner)
    again = line("feeds", "A", "B", by=cast.owner)

    services.end_dependency(dependency=first, reason="Rebuilt", by=cast.owner)

    assert first == again
    for name in "AB":
        on_trail = Entry.objects.on_trail(subject_name(models[name])).order_by("id")
        assert list(on_trail.values_list("event", flat=True))[-2:] == [
            "inventory.dependency_added",
            "inventory.dependency_ended",
        ]
    assert downstream_of([node_of(models["A"])])[node_of(models["A"])] == set()
    assert line("feeds", "A", "B").pk != first.pk


@pytest.mark.parametrize(
    ("kind", "source", "target", "words"),
    [
        ("feeds", "A", "A", "Nothing depends on itself"),
        ("challenger_of", "bureau", "A", "said of two models"),
        ("derived_from", "A", "bureau", "both models"),
        ("shares_data", "A", "bureau", "ends at a model"),
    ],
)
def test_a_line_that_says_nothing_is_refused(cast, line, models, bureau, kind, source, target, words):
    ends = models | {"bureau": bureau}

    with pytest.raises(InvalidInput, match=words):
        line(kind, ends[source], ends[target])


@pytest.mark.parametrize("who", ["validator", "auditor", "stranger", "administrator"])
def test_others_connect_nothing(cast, line, who):
    with pytest.raises(NotPermitted):
        line("feeds", "A", "B", by=getattr(cast, who))


def test_an_owner_connects_nothing_to_a_model_that_the_owner_does_not_see(cast, line):
    with pytest.raises(NotPermitted, match="do not show you"):
        line("feeds", "A", "N", by=cast.owner)


def test_an_asset_with_lines_is_not_retired_and_one_without_is(cast, bureau):
    with pytest.raises(NotNow, match="are ended first"):
        services.retire_asset(asset=bureau, reason="Left", by=cast.officer)

    services.end_dependency(dependency=Dependency.objects.get(source_asset=bureau), reason="Left", by=cast.officer)
    retired = services.retire_asset(asset=bureau, reason="Left", by=cast.officer)

    events = list(Entry.objects.on_trail(subject_name(bureau)).order_by("id").values_list("event", flat=True))
    assert (events[0], events[-1]) == ("inventory.asset_registered", "inventory.asset_retired")
    assert retired.retired_by == cast.officer.person


@pytest.mark.parametrize("change", [{"kind": "overlay_on"}, {"note": "x"}, {"target_model": 1}])
def test_the_database_changes_nothing_of_a_line(line, change):
    found = line("feeds", "B", "C")

    with pytest.raises(IntegrityError, match="never change"):
        Dependency.objects.filter(pk=found.pk).update(**change)


@pytest.mark.outside_portal
def test_twin_without_the_guard_a_line_is_bent(line, superuser):
    found = line("feeds", "B", "C")
    superuser.execute("alter table inventory_dependency disable trigger hold_columns")

    Dependency.objects.filter(pk=found.pk).update(kind="overlay_on")

    assert Dependency.objects.get().kind == "overlay_on"


# ---- what a change asks -----------------------------------------------------------------------------------
def test_a_material_change_marks_the_reviews_downstream_once_and_owners_see_it(cast, ring, bureau):
    first = services.note_material_change(upstream=bureau, what="New scorecard", by=cast.officer)
    again = services.note_material_change(upstream=bureau, what="And once more", by=cast.officer)

    ring["B"].standing.refresh_from_db()
    assert ({mark.model.name[-1] for mark in first}, again) == ({"A", "B", "C", "D", "s"}, [])
    assert ring["B"].standing.review_reason == "Material change upstream"
    assert ring["B"].standing.next_review_on == timezone.localdate() + timedelta(days=90)
    entry = Entry.objects.get(event="inventory.reviews_marked")
    assert (entry.data["models"], entry.data["upstream"]) == (5, "Credit bureau")
    assert subject_name(ring["C"]) in entry.trails
    home = text_of(browser_of(cast.owner).get("/"))
    assert "Changed upstream" in home
    assert "New scorecard" in home
    assert "Noise of markets" not in home
    assert "Look into a material change upstream" in text_of(browser_of(cast.owner).get(f"/models/{ring['B'].ref}/"))


def test_a_settled_review_falls_back_to_what_the_tier_asks(cast, ring, bureau):
    publish(cast)
    rate(ring["A"], cast.owner, height=3)
    services.note_material_change(upstream=bureau, what="New scorecard", by=cast.officer)
    mark = ReviewMark.objects.get(model=ring["A"])
    due = mark.due_on

    services.settle_review(mark=mark, outcome="No effect on the cut-off", by=cast.owner)

    ring["A"].standing.refresh_from_db()
    assert due == timezone.localdate() + timedelta(days=30 if ring["A"].standing.computed_tier == 1 else 90)
    assert ring["A"].standing.review_reason == "Tier 1: every 12 months"
    settled = Entry.objects.get(event="inventory.review_settled")
    assert settled.data["outcome"] == "No effect on the cut-off"
    with pytest.raises(NotNow, match="said already"):
        services.settle_review(mark=mark, outcome="x", by=cast.owner)


# ---- pages ------------------------------------------------------------------------------------------------
def test_the_pages_draw_the_network_and_say_the_same_in_a_table(cast, ring, bureau):
    officer, owner = browser_of(cast.officer), browser_of(cast.owner)

    whole = text_of(officer.get("/network/"))
    part = text_of(owner.get(f"/models/{ring['B'].ref}/network/"))
    source = text_of(owner.get(f"/network/assets/{bureau.pk}/"))

    assert "1 cycle." in whole
    assert whole.count('<path class="line') - 2 == 7  # two in the key
    assert "Noise of markets" in whole
    assert "Noise of markets" not in part + source
    assert 'class="node model t0 here"' in part
    assert "Credit bureau" in part
    assert "Challenger of</td>" not in text_of(officer.get("/network/?kind=feeds"))


def test_an_owner_adds_and_ends_a_line_by_the_page(cast, models):
    client, ref = browser_of(cast.owner), models["A"].ref

    added = client.post(f"/models/{ref}/network/add/", {"line": "fed-by", "other": models["B"].ref, "note": "Scores"})
    found = Dependency.objects.get()
    unknown = text_of(client.post(f"/models/{ref}/network/add/", {"line": "feeds", "other": models["N"].name}))
    client.post(f"/network/lines/{found.pk}/end/", {"reason": "Rebuilt"})

    assert (added.status_code, found.source, found.target, found.note) == (302, models["B"], models["A"], "Scores")
    assert "There is no model or asset" in unknown
    assert not Dependency.objects.in_force().exists()


@pytest.mark.parametrize("sort", ["", "name", "-name", "kind", "exposure", "-models", "tier1", "nonsense"])
def test_the_concentration_is_sorted_as_asked(cast, bureau, sort):
    services.register_asset(kind="vendor", name="Alpha Ltd", by=cast.officer)

    page = text_of(browser_of(cast.officer).get(f"/concentration/?sort={sort}"))

    is_bureau_first = page.index("Credit bureau</a>") < page.index("Alpha Ltd</a>")
    assert is_bureau_first == (sort in ("-name", "kind", "-models"))
