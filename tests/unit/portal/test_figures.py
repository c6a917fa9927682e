"""Figures: what is drawn, what the table holds, what the sentence says."""

import json
import re
from datetime import UTC, date, datetime

import numpy as np
import pytest
from django.conf import settings
from django.template import Context, Template

import figures
from figures.chart import apart, cut, plain

CSS = (settings.BASE_DIR / "static" / "css" / "assay.css").read_text()
NAN = float("nan")


def month(number: int) -> date:
    return date(2026, number, 1)


def points(*values: float | None) -> list[figures.Point]:
    return [
        figures.Point(month(i), value, label=f"{month(i):%b %Y}", why="" if value is not None else "too few rows")
        for i, value in enumerate(values, start=1)
    ]


def psi_series(**changes) -> figures.Chart:
    return figures.metric_series(**{"name": "PSI", "unit": "nats", "points": points(0.02, None, 0.3)} | changes)


def every_chart() -> list[figures.Chart]:
    return [
        psi_series(bands=figures.bands_beyond("above", watch=0.1, breach=0.25), reference=0.05),
        figures.auc_series(realised=points(0.77, None), estimated=points(0.76, 0.75)),
        figures.distribution(feature="x", labels=["a", "b"], reference=[1, 1], current=[1, 3]),
        figures.shap_importance(current={"a": 0.4, "b": 0.1}, reference={"a": 0.1, "b": 0.2}),
        figures.beeswarm(shap_values=[[1, 2], [3, 4]], feature_values=[[1, NAN], [2, 3]], names=["a", "b"]),
        figures.calibration(predicted=[0.1, 0.2], observed=[0.1, 0.3], counts=[10, 20], low=[0, 0.1], high=[0.2, 0.5]),
    ]


def labels_of(chart: figures.Chart) -> list[str]:
    return [note["text"] for note in chart.figure["layout"]["annotations"]]


def strings_in(part) -> list[str]:
    if isinstance(part, str):
        return [part]
    parts = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    return [text for inner in parts for text in strings_in(inner)]


# ---- what every figure keeps ----


@pytest.mark.parametrize("chart", every_chart())
def test_a_figure_is_plain_json_without_nan(chart):
    text = json.dumps(chart.as_dict(), allow_nan=False)

    assert json.loads(text)["figure"]["data"]


@pytest.mark.parametrize("chart", every_chart())
def test_a_figure_leaves_the_template_of_plotly_out(chart):
    assert "template" not in chart.figure["layout"]


@pytest.mark.parametrize("chart", every_chart())
def test_every_colour_is_a_token_of_the_stylesheet(chart):
    tokens = {token for text in strings_in(chart.figure) for token in re.findall(r"var\((--[\w-]+)\)", text)}
    fixed = [text for text in strings_in(chart.figure) if re.fullmatch(r"#[0-9a-fA-F]{3,8}|rgba?\([\d., ]+\)", text)]

    assert tokens
    assert {token for token in tokens if f"{token}:" not in CSS} <= {"--bs-body-font-family"}
    assert set(fixed) <= {"rgba(0,0,0,0)"}


@pytest.mark.parametrize("chart", every_chart())
def test_every_figure_has_a_table_a_sentence_and_no_legend(chart):
    assert list(chart.table.lines)
    assert chart.sentence.endswith(".")
    assert chart.figure["layout"]["showlegend"] is False


def test_the_part_shows_the_figure_its_sentence_and_its_table():
    html = Template('{% include "parts/chart.html" with id="psi" title="Drift" %}').render(
        Context({"chart": psi_series()})
    )

    embedded = re.search(r'<script id="psi-figure" type="application/json">(.*?)</script>', html, re.DOTALL)
    assert json.loads(embedded[1]) == psi_series().figure
    assert "<figcaption>PSI was 0.300 nats in Mar 2026." in html
    assert '<th scope="row">Feb 2026</th><td class="num">–</td>' in html
    assert "style=" not in html


def test_a_name_from_outside_cannot_end_the_embedded_json():
    chart = figures.distribution(feature="</script><b>", labels=["a"], reference=[1], current=[1])

    html = Template('{% include "parts/chart.html" with id="x" title="x" %}').render(Context({"chart": chart}))

    assert "</script><b>" not in html


# ---- series ----


def test_a_window_that_was_not_computed_is_a_gap_with_its_reason():
    chart = psi_series()

    assert chart.figure["data"][0]["y"] == [0.02, None, 0.3]
    assert chart.figure["data"][0]["connectgaps"] is False
    assert "not<br>computed" in labels_of(chart)
    assert chart.sentence.endswith("1 of 3 windows was not computed: too few rows.")


def test_neighbouring_gaps_are_named_once():
    chart = psi_series(points=points(0.1, None, None, 0.2, None))

    assert labels_of(chart).count("not<br>computed") == 2


def test_a_series_without_any_value_says_so():
    assert psi_series(points=points(None, None)).sentence.startswith("PSI has no value yet.")


def test_a_series_without_a_window_is_refused():
    with pytest.raises(ValueError, match="at least one window"):
        psi_series(points=[])


def test_thresholds_are_bands_that_carry_their_words():
    chart = psi_series(bands=figures.bands_beyond("above", watch=0.1, breach=0.25))

    grounds = {s["fillcolor"]: (s["y0"], s["y1"]) for s in chart.figure["layout"]["shapes"] if s["type"] == "rect"}
    assert grounds["var(--c-watch)"] == (0.1, 0.25)
    assert grounds["var(--c-breach)"][0] == 0.25
    assert {"Watch, above 0.10", "Breach, above 0.25"} <= set(labels_of(chart))


def test_the_axis_reaches_a_threshold_that_no_value_reaches():
    chart = psi_series(points=points(0.01, 0.02), bands=figures.bands_beyond("above", breach=0.25))

    low, high = chart.figure["layout"]["yaxis"]["range"]
    assert low == 0
    assert high > 0.25


def test_bands_below_are_open_downwards():
    watch, breach = figures.bands_beyond("below", watch=0.755, breach=0.735, digits=3)

    assert (watch.edge, watch.to, breach.edge, breach.to) == (0.755, 0.735, 0.735, None)
    assert breach.words == "Breach, below 0.735"


def test_bands_on_both_sides_come_from_two_pairs():
    bands = figures.bands_outside(watch=(0.9, 1.1), breach=(0.8, 1.2))

    assert [(b.state, b.worse, b.edge) for b in bands] == [
        ("watch", "below", 0.9),
        ("breach", "below", 0.8),
        ("watch", "above", 1.1),
        ("breach", "above", 1.2),
    ]


@pytest.mark.parametrize(("worse", "watch", "breach"), [("above", 0.25, 0.1), ("below", 0.7, 0.8)])
def test_a_breach_threshold_on_the_better_side_is_refused(worse, watch, breach):
    with pytest.raises(ValueError, match=f"breach must lie {worse} watch"):
        figures.bands_beyond(worse, watch=watch, breach=breach)


def test_a_direction_that_is_none_is_refused():
    with pytest.raises(ValueError, match="got 'up'"):
        figures.bands_beyond("up", watch=1)


def band_labels(chart) -> dict[str, float]:
    notes = chart.figure["layout"]["annotations"]
    return {n["text"].split(",")[0]: n["y"] for n in notes if n["text"].startswith(("Watch,", "Breach,"))}


@pytest.mark.parametrize("worse", ["above", "below"])
@pytest.mark.parametrize("most", [0.3, 3.5, 300])
def test_labels_of_bands_stand_inside_the_plot_and_apart(worse, most):
    watch, breach = (0.1, 0.25) if worse == "above" else (0.25, 0.1)
    chart = psi_series(points=points(0.0, most), bands=figures.bands_beyond(worse, watch=watch, breach=breach))

    low, high = chart.figure["layout"]["yaxis"]["range"]
    heights, line = band_labels(chart), 0.07 * (high - low)
    side = 1 if worse == "above" else -1
    assert all(low <= min(y, y + side * line) and max(y, y + side * line) <= high + 1e-9 for y in heights.values())
    assert abs(heights["Watch"] - heights["Breach"]) >= line - 1e-9


def test_the_reference_is_a_dashed_line_with_its_value():
    chart = psi_series(reference=0.05)

    assert "Reference 0.050" in labels_of(chart)
    assert any(s["line"].get("dash") == "4px,3px" and s["y0"] == 0.05 for s in chart.figure["layout"]["shapes"])


def test_a_mark_stands_at_its_moment():
    chart = psi_series(marks=[figures.Mark(datetime(2026, 2, 3, 4, tzinfo=UTC), "4.1.0 live")])

    assert "4.1.0 live" in labels_of(chart)
    assert any(s.get("x0") == "2026-02-03T04:00" for s in chart.figure["layout"]["shapes"])


def test_an_interval_is_drawn_for_each_run_of_windows_that_have_one():
    spans = [(0.1, 0.3), None, (0.2, 0.4)]
    windows = [
        figures.Point(month(i), 0.2, *(span or (None, None)), label=str(i)) for i, span in enumerate(spans, start=1)
    ]

    chart = psi_series(points=windows)

    areas = [trace for trace in chart.figure["data"] if trace.get("fill") == "toself"]
    assert [area["y"] for area in areas] == [[0.3, 0.1], [0.4, 0.2]]
    assert chart.table.headers[2:4] == ("Low", "High")


BANDS = figures.bands_beyond("above", watch=0.1, breach=0.25)
SENTENCES = {
    (
        3,
        None,
    ): "PSI was 0.300 nats in Mar 2026, above the breach threshold of 0.25; it crossed it in 1 of 4 windows (Mar).",
    (2, None): "PSI was 0.150 nats in Feb 2026, above the watch threshold of 0.10; it crossed the breach threshold"
    " of 0.25 in 1 of 4 windows (Mar).",
    (1, None): "PSI was 0.020 nats in Jan 2026, within its thresholds; it crossed the breach threshold of 0.25 in"
    " 1 of 4 windows (Mar).",
    (1, "no bands"): "PSI was 0.020 nats in Jan 2026.",
}


@pytest.mark.parametrize("asked", SENTENCES)
def test_the_sentence_is_about_the_window_that_was_chosen(asked):
    number, without = asked

    chart = psi_series(points=points(0.02, 0.15, 0.3, 0.01), bands=[] if without else BANDS, chosen=month(number))

    assert chart.sentence == SENTENCES[asked]


def test_a_chosen_window_without_a_value_gives_the_one_before_it():
    chart = psi_series(points=points(0.02, None, 0.3), chosen=month(2))

    assert chart.sentence.startswith("PSI was 0.020 nats in Jan 2026.")


def test_a_run_of_windows_in_breach_is_named_by_its_ends():
    chart = psi_series(points=points(0.3, 0.1, 0.3, 0.4, 0.5), bands=BANDS)
    joined = psi_series(points=points(0.1, 0.1, 0.3, 0.4, 0.5), bands=BANDS)

    assert "in 4 of 5 windows (Jan, Mar, Apr, May)" in chart.sentence
    assert "in 3 of 5 windows (Mar to May)" in joined.sentence


def test_the_chosen_window_is_filled_and_stands_on_a_ground_of_its_own():
    chart = psi_series(points=points(0.1, 0.2, 0.3), chosen=month(2))
    newest = psi_series(points=points(0.1, 0.2, 0.3), chosen=month(3))

    def grounds(chart) -> list:
        return [s["x0"] for s in chart.figure["layout"].get("shapes", []) if s.get("fillcolor") == "var(--c-cur-soft)"]

    assert chart.figure["data"][0]["marker"]["color"] == ["var(--surface)", "var(--c-cur)", "var(--surface)"]
    assert len(grounds(chart)) == 1
    assert grounds(newest) == []


def test_the_newest_window_is_named_on_the_axis_however_many_there_are():
    for many in (3, 12, 13, 36):
        windows = [figures.Point(date(2024 + i // 12, i % 12 + 1, 1), 0.1) for i in range(many)]

        axis = psi_series(points=windows).figure["layout"]["xaxis"]

        assert axis["tickvals"][-1].startswith(windows[-1].at.isoformat())
        assert len(axis["tickvals"]) <= 12


def test_every_tick_of_the_upright_axis_has_as_many_decimals():
    axes = [psi_series(points=points(0, top)).figure["layout"]["yaxis"]["tickformat"] for top in (0.02, 0.4, 3.2, 90)]

    assert axes == [".3f", ".2f", ".1f", ".0f"]


def test_marks_that_are_near_each_other_are_named_in_rows_and_in_the_sentence():
    marks = [figures.Mark(month(n), f"{name} shift begins") for n, name in ((1, "LIMIT"), (6, "PAY"), (7, "BILL"))]
    chart = psi_series(points=points(*[0.1] * 12), marks=marks)

    rows = {n["text"]: n.get("yshift") for n in chart.figure["layout"]["annotations"] if "begins" in n["text"]}
    assert rows["LIMIT shift begins"] == rows["PAY shift begins"] == 0
    assert rows["BILL shift begins"] > 0
    assert chart.sentence.endswith(
        "Dotted: LIMIT shift begins, Jan 2026; PAY shift begins, Jun 2026; BILL shift begins, Jul 2026."
    )


def test_windows_whose_outcomes_are_not_known_hang_on_a_bracket():
    chart = figures.auc_series(realised=points(0.7, 0.7, None, None), estimated=points(0.7, 0.7, 0.7, 0.7))
    known = figures.auc_series(realised=points(0.7, 0.7), estimated=points(0.7, 0.7))

    assert "outcomes not known: Mar to Apr" in labels_of(chart)
    assert not [text for text in labels_of(known) if "not known" in text]


def test_auc_joins_realised_and_estimated_by_window():
    realised = [figures.Point(month(1), 0.77, 0.76, 0.78), figures.Point(month(2), None, why="labels not mature")]
    estimated = [figures.Point(month(2), 0.75, 0.74, 0.76)]

    chart = figures.auc_series(realised=realised, estimated=estimated)

    assert chart.table.rows == (
        ("1 Jan 2026", 0.77, 0.76, 0.78, None, None, None, ""),
        ("1 Feb 2026", None, None, None, 0.75, 0.74, 0.76, "labels not mature"),
    )
    assert {"Realised 0.770, 1 Jan 2026", "Estimated 0.750"} <= set(labels_of(chart))
    assert "needs no outcomes, was 0.750" in chart.sentence


def test_an_estimate_without_intervals_has_no_columns_for_them():
    chart = figures.auc_series(realised=points(0.7, 0.7), estimated=points(0.7, 0.7))

    assert chart.table.headers == ("Window", "AUC, realised", "Low", "High", "AUC, estimated", "Not computed because")


def test_labels_at_the_right_end_do_not_cover_each_other():
    assert apart([0.751, 0.752, 0.742], gap=0.01) == pytest.approx([0.752, 0.762, 0.742])


# ---- distributions ----


def test_counts_become_shares_of_their_own_sample():
    chart = figures.distribution(feature="x", labels=["a", "b"], reference=[50, 150], current=[3, 1])

    assert chart.table.rows == (("a", 25.0, 75.0, 50.0), ("b", 75.0, 25.0, -50.0))
    assert chart.figure["data"][0]["y"] == [25.0, 75.0]


def test_the_reference_is_bars_and_the_current_sample_steps():
    chart = figures.distribution(feature="x", labels=["a", "b"], reference=[1, 1], current=[1, 3])

    bars, outline, _ = chart.figure["data"]
    assert bars["type"] == "bar"
    assert outline["x"] == [-0.5, 0.5, 0.5, 1.5]
    assert outline["y"] == [25.0, 25.0, 75.0, 75.0]


def test_levels_without_order_are_not_joined():
    chart = figures.distribution(feature="x", labels=["a", "b"], reference=[1, 1], current=[1, 3], categorical=True)

    assert chart.figure["data"][1]["x"][2] is None


def test_the_sentence_names_the_largest_change():
    chart = figures.distribution(feature="x", labels=["a", "b", "c"], reference=[2, 1, 1], current=[1, 1, 2])

    assert chart.sentence.replace("\u00a0", " ") == "Rows in “a” fell from 50.0 % to 25.0 %, the largest change."


@pytest.mark.parametrize(
    ("reference", "current", "message"),
    [
        ([1], [1, 2], "reference must have as many"),
        ([0, 0], [1, 2], "reference must hold at least one row"),
        ([1, 2], [-1, 2], "current must hold counts or shares of at least 0"),
    ],
)
def test_samples_that_make_no_distribution_are_refused(reference, current, message):
    with pytest.raises(ValueError, match=message):
        figures.distribution(feature="x", labels=["a", "b"], reference=reference, current=current)


def test_no_digit_of_a_bin_is_lost_on_the_axis():
    labels = figures.bin_labels([85_404, 146_805, 1_234_567.5])
    chart = figures.distribution(feature="x", labels=labels, reference=[1] * 4, current=[1] * 4)

    drawn = chart.figure["layout"]["xaxis"]["ticktext"]
    assert [text.replace("<br>", " ") for text in drawn] == labels
    assert max(len(line) for text in drawn for line in text.split("<br>")) <= 16


def test_the_axis_says_what_the_feature_is():
    chart = figures.distribution(
        feature="BILL_AMT1", labels=["a"], reference=[1], current=[1], meaning="Bill, New Taiwan dollars"
    )

    assert chart.figure["layout"]["xaxis"]["title"]["text"] == "Bill, New Taiwan dollars"


def test_bins_of_whole_numbers_are_named_by_their_values():
    assert figures.bin_labels([-1, 0, 1, 4], whole=True) == ["to −1", "0", "1", "2 to 4", "from 5"]
    assert figures.bin_labels([326, 2048], whole=True, missing=True) == [
        "to 326",
        "327 to 2,048",
        "from 2,049",
        "missing",
    ]


@pytest.mark.parametrize(
    ("edges", "missing", "names"),
    [
        ([1, 2.5], False, ["to 1", "1 to 2.5", "from 2.5"]),
        ([], False, ["all"]),
        ([-1], True, ["to −1", "from −1", "missing"]),
    ],
)
def test_bins_are_named_by_their_edges(edges, missing, names):
    assert figures.bin_labels(edges, missing=missing) == names


# ---- SHAP ----


def test_importance_is_sorted_with_both_ranks():
    chart = figures.shap_importance(current={"a": 0.1, "b": 0.4}, reference={"a": 0.3, "b": 0.2}, unit="log-odds")

    assert chart.table.rows == (("b", 1, 0.4, 2, 0.2), ("a", 2, 0.1, 1, 0.3))
    assert chart.figure["layout"]["yaxis"]["ticktext"] == ["b", "a"]
    assert "1 was 2" in labels_of(chart)
    assert "b moved from rank 2 to 1." in chart.sentence


def test_importance_beyond_the_top_stays_in_the_table():
    chart = figures.shap_importance(current={f"f{i}": 1 / (i + 1) for i in range(12)}, top=3)

    assert len(chart.figure["data"][0]["x"]) == 3
    assert len(chart.table.rows) == 12
    assert "9 smaller features only in the table." in chart.sentence


def test_importance_without_a_feature_is_refused():
    with pytest.raises(ValueError, match="at least one feature"):
        figures.shap_importance(current={})


def swarm(rows: int = 50, **changes) -> figures.Chart:
    values = np.random.default_rng(7).normal(size=(rows, 2)) * [1.0, 3.0]
    given = {"shap_values": values, "feature_values": values * [1, -1], "names": ["small", "large"]}
    return figures.beeswarm(**given | changes)


def test_the_same_numbers_give_the_same_swarm():
    assert swarm().figure == swarm().figure


def test_a_swarm_puts_the_feature_that_matters_most_first():
    chart = swarm()

    assert chart.figure["layout"]["yaxis"]["ticktext"] == ["large", "small"]
    assert chart.table.rows[0][0] == "large"


def test_a_swarm_keeps_each_point_within_its_row():
    y = np.array(swarm(5000).figure["data"][0]["y"])

    assert np.abs(y - y.round()).max() < 0.5


def test_stacked_points_do_not_lie_on_each_other():
    chart = figures.beeswarm(shap_values=np.zeros((9, 1)), feature_values=np.zeros((9, 1)), names=["a"])

    assert len(set(chart.figure["data"][0]["y"])) == 9


@pytest.mark.parametrize(("asked", "drawn"), [({}, 400), ({"most_points": 700}, 700), ({"most_points": 5000}, 1000)])
def test_a_swarm_is_thinned_to_what_was_asked_and_never_over_a_thousand(asked, drawn):
    chart = swarm(2500, **asked)

    assert len(chart.figure["data"][0]["x"]) == 2 * drawn
    assert f"{drawn:,} of 2,500 rows" in chart.sentence


def test_a_missing_feature_value_is_drawn_apart_in_grey():
    chart = figures.beeswarm(shap_values=[[1.0], [2.0]], feature_values=[[NAN], [5.0]], names=["a"])

    known, missing = chart.figure["data"]
    assert (known["x"], missing["x"]) == ([2.0], [1.0])
    assert missing["marker"]["color"] == "var(--c-ref)"


def test_the_table_says_which_way_a_feature_pushes():
    effects = {row[0]: row[-1] for row in swarm().table.rows}

    assert effects == {"small": "raises the output", "large": "lowers the output"}


def test_a_swarm_of_matrices_that_differ_is_refused():
    with pytest.raises(ValueError, match=r"must both be \(n, 2\), got \(3, 2\) and \(2, 2\)"):
        figures.beeswarm(shap_values=np.ones((3, 2)), feature_values=np.ones((2, 2)), names=["a", "b"])


# ---- calibration ----


def test_calibration_says_observed_over_expected_and_the_widest_gap():
    chart = figures.calibration(predicted=[0.1, 0.2], observed=[0.1, 0.3], counts=[100, 100], event="defaults")

    assert chart.sentence.replace("\u00a0", " ") == (
        "Observed defaults are 1.33 times the predicted ones over 200 rows; the widest gap is where "
        "20.00 % was predicted and 30.00 % observed."
    )


def test_a_bin_without_labels_is_in_the_table_and_not_in_the_figure():
    chart = figures.calibration(predicted=[0.1, 0.2], observed=[0.1, None], counts=[10, 0])

    assert chart.figure["data"][0]["x"] == [10.0]
    assert [row[2] for row in chart.table.rows] == [10.0, None]


def test_intervals_reach_from_the_observed_rate():
    chart = figures.calibration(predicted=[0.1], observed=[0.2], counts=[10], low=[0.15], high=[0.3])

    error = chart.figure["data"][0]["error_y"]
    assert error["array"] == pytest.approx([10.0])
    assert error["arrayminus"] == pytest.approx([5.0])


def test_calibration_without_labels_is_refused():
    with pytest.raises(ValueError, match="at least one bin with labels"):
        figures.calibration(predicted=[0.1], observed=[None], counts=[0])


# ---- plain values ----


def test_numpy_becomes_plain_and_nan_becomes_none():
    assert plain({"a": np.array([1.5, NAN]), "b": np.int64(3), "c": True}) == {"a": [1.5, None], "b": 3, "c": True}


def test_a_long_name_is_cut_in_its_middle():
    assert cut("age_oldest_account_months", 22) == "age_oldest…unt_months"
