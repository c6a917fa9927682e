"""A tiering scheme: what it makes of answers, and that none is taken that leaves a score without one band."""

import copy
from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as some

from inventory.measures.rating import rate
from inventory.measures.scheme import INHERENT, MATERIALITY, SchemeFaulty, read_scheme

SHIPPED = yaml.safe_load((Path(__file__).parents[3] / "inventory/data/tiering.yaml").read_text())
SCHEME = read_scheme(SHIPPED)
LOWEST = {factor.name: factor.levels[0].name for factor in SCHEME.factors}
HIGHEST = {factor.name: factor.levels[-1].name for factor in SCHEME.factors}
answers = some.fixed_dictionaries(
    {factor.name: some.sampled_from([level.name for level in factor.levels]) for factor in SCHEME.factors}
)


def changed(place: str, value) -> dict:
    """The shipped scheme with one place set; a value of ... takes it out."""
    content = copy.deepcopy(SHIPPED)
    *way, last = [int(part) if part.isdigit() else part for part in place.split("/")]
    spot = content
    for part in way:
        spot = spot[part]
    if value is ...:
        del spot[last]
    else:
        spot[last] = value
    return content


def faults(content) -> dict[str, str]:
    with pytest.raises(SchemeFaulty) as caught:
        read_scheme(content)
    return caught.value.problems


# ---- what it makes of answers -----------------------------------------------------------------------------
def test_a_rating_by_hand():
    answered = LOWEST | {
        "complexity": "complex",
        "explainability": "attributable",
        "exposure": "large",
        "purpose": "business",
        "reliance": "automatic",
        "validation": "sound",
    }

    rating = rate(SCHEME, answered)

    # (3·4 + 2·1 + 2·1 + 2·2 + 1·1) / 10, and (2·3 + 2·3 + (2·4 + 1) / 3) / 5
    assert (rating.scores[INHERENT], rating.scores[MATERIALITY]) == (Fraction(21, 10), Fraction(3))
    assert (rating.bands[INHERENT], rating.bands[MATERIALITY], rating.tier) == ("moderate", "high", 2)
    assert (rating.bands["controls"], rating.residual) == ("adequate", "moderate")


def test_the_ends_of_the_scale():
    assert rate(SCHEME, LOWEST).tier == 4
    assert rate(SCHEME, HIGHEST).tier == 1


def test_a_score_on_a_cut_off_belongs_to_the_band_above():
    content = changed("axes/inherent/bands/0/to", 2.1) | {}
    content["axes"]["inherent"]["bands"][1]["from"] = 2.1
    answered = LOWEST | {"complexity": "complex", "explainability": "attributable"}

    assert rate(read_scheme(content), answered).bands[INHERENT] == "moderate"


def test_without_an_answer_that_decides_there_is_no_tier_and_it_is_named():
    answered = {name: level for name, level in HIGHEST.items() if name != "purpose"}

    rating = rate(SCHEME, answered | {"exposure": "a level of another scheme"})

    assert rating.tier is None
    assert [factor.name for factor in rating.missing] == ["exposure", "purpose"]
    assert rating.bands[INHERENT] == "high"


def test_without_answers_about_controls_there_is_a_tier_and_no_residual_risk():
    without = {factor.name: HIGHEST[factor.name] for factor in SCHEME.factors if factor.part != "controls"}

    rating = rate(SCHEME, without)

    assert (rating.tier, rating.residual, rating.missing) == (1, None, ())


@given(answers)
def test_every_full_set_of_answers_has_one_tier_and_one_residual_risk(answered):
    rating = rate(SCHEME, answered)

    assert rating.tier in (1, 2, 3, 4)
    assert rating.residual in {band.name for band in SCHEME.axes[INHERENT].bands}
    for name, score in rating.scores.items():
        holding = [b for b in SCHEME.axes[name].bands if b.start <= score < b.end]
        assert [band.name for band in holding] in ([rating.bands[name]], [])


@given(answers, some.data())
def test_more_of_anything_never_makes_a_model_less_material(answered, data):
    factor = data.draw(some.sampled_from([f for f in SCHEME.factors if f.part != "controls"]))
    names = [level.name for level in factor.levels]
    higher = data.draw(some.sampled_from(names[names.index(answered[factor.name]) :]))

    assert rate(SCHEME, answered | {factor.name: higher}).tier <= rate(SCHEME, answered).tier


@given(answers, answers)
def test_what_is_known_of_the_controls_never_moves_the_tier(answered, others):
    controls = {f.name: others[f.name] for f in SCHEME.factors if f.part == "controls"}

    assert rate(SCHEME, answered | controls).tier == rate(SCHEME, answered).tier


# ---- what is refused --------------------------------------------------------------------------------------
@given(
    some.sampled_from([(a, n) for a, axis in SHIPPED["axes"].items() for n in range(1, len(axis["bands"]))]),
    some.decimals(min_value="-0.5", max_value="0.5", places=3).filter(bool),
)
def test_a_cut_off_that_moves_alone_leaves_a_gap_or_an_overlap_and_is_refused_with_its_place(spot, by):
    axis, number = spot
    place = f"axes/{axis}/bands/{number}/from"
    before = SHIPPED["axes"][axis]["bands"][number]["from"]

    problems = faults(changed(place, before + float(by)))

    assert problems[place].startswith("A gap" if by > 0 else "An overlap")


@pytest.mark.parametrize(
    ("place", "value", "at", "words"),
    [
        ("axes/inherent/bands/0/from", 1.5, "axes/inherent/bands/0/from", "answers can score 1,"),
        ("axes/materiality/bands/3/to", 3.9, "axes/materiality/bands/3/to", "answers can score 4,"),
        ("axes/controls/bands/1/to", 1.5, "axes/controls/bands/1/to", "ends above where it begins"),
        ("axes/controls/weights/controls", 0, "axes/controls/weights/controls", "above 0"),
        ("matrix/0/0", 9, "matrix/0/0", "There is no tier 9"),
        ("matrix/3/3", 2, "matrix/3/3", "less material than a cell with less risk"),
        ("matrix/1", [4, 3], "matrix/1", "4 cells are wanted"),
        ("matrix", [[1]], "matrix", "4 rows are wanted"),
        ("residual/0/0", "high", "residual/0/0", "more risk than there is"),
        ("residual/0/0", "none", "residual/0/0", "One of low"),
        ("factors/0/weight", -1, "factors/0/weight", "above 0"),
        ("factors/0/weight", True, "factors/0/weight", "A number is wanted"),
        ("factors/0/weight", float("nan"), "factors/0/weight", "A number is wanted"),
        ("factors/0/levels/2/points", 2, "factors/0/levels/2/points", "must rise"),
        ("factors/0/levels", [], "factors/0/levels", "A list"),
        ("factors/1/name", "complexity", "factors/1/name", "twice"),
        ("factors/5/part", "size", "factors/5/part", "One of inherent_risk"),
        ("factors/5", ..., "factors", "No factor asks about exposure"),
        ("tiers/3/tier", 7, "tiers", "1, 2, 3"),
        ("tiers/0/monitoring", "often", "tiers/0/monitoring", "One of daily"),
        ("tiers/0/review_months", 0, "tiers/0/review_months", "above 0"),
        ("name", "", "name", "A text"),
        ("matrix", ..., "matrix", "missing"),
        ("colour", "red", "colour", "Nothing is called so"),
    ],
)
def test_a_scheme_that_cannot_be_used_is_refused_with_the_place(place, value, at, words):
    assert words in faults(changed(place, value))[at]


@pytest.mark.parametrize("content", [None, [], "tier 1", 3, {"axes": 3, "factors": "x"}])
def test_what_is_no_scheme_at_all_is_refused_and_breaks_nothing(content):
    assert faults(content)
