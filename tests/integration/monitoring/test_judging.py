"""A figure is measured once and judged as often as thresholds change: breaches come and go, figures stay."""

import re

import pytest
from rest_framework.test import APIClient

from audit.models import Entry
from inventory.models import Standing
from monitoring.measures.judging import judge
from monitoring.models import Breach, Measurement, Threshold, Window
from monitoring.services.judging import judge_windows
from monitoring.verification import verify_figures
from tests import logs
from tests.pages import queries_of


@pytest.fixture
def monitor(define, perform, folder):
    """Three months measured, income shifted in the last."""
    logs.write_log(folder / "log", seed=7, months=3, shifts={3: 1.5})
    monitor = define()
    perform(monitor)
    return monitor


def threshold(monitor, cast, **changes) -> Threshold:
    wanted = {"metric": "ks", "side": "above", "watch": 0.1, "breach": 0.2, "rationale": "Tried."}
    return Threshold(model=monitor.model, monitor=monitor, set_by=cast.officer.person, **(wanted | changes))


@pytest.mark.outside_portal
def test_a_threshold_that_is_set_later_is_held_against_all_history(cast, monitor):
    before = set(Measurement.objects.values_list("pk", "value"))
    threshold(monitor, cast).save()

    opened = judge_windows(monitor=monitor, by=cast.officer)

    assert {(b.metric, b.column, b.level, b.window.label) for b in opened} == {("ks", "income", "breach", "Mar 2026")}
    assert set(Measurement.objects.values_list("pk", "value")) == before
    assert verify_figures().holds


@pytest.mark.outside_portal
def test_judging_again_opens_nothing_twice(cast, monitor):
    threshold(monitor, cast).save()
    judge_windows(monitor=monitor, by=cast.officer)
    count = Breach.objects.count()

    assert judge_windows(monitor=monitor, by=cast.officer) == []
    assert Breach.objects.count() == count


def restated(monitor, perform, folder, *, shift: float) -> None:
    logs.write_log(folder / "log", seed=8, months=3, rows=1600, shifts={3: shift})
    perform(monitor)


def test_a_restatement_that_is_still_beyond_is_the_same_breach_and_no_news(monitor, perform, folder):
    before = dict(Breach.objects.values_list("pk", "value"))
    announced = Entry.objects.filter(event="monitoring.breach_opened").count()

    restated(monitor, perform, folder, shift=1.5)

    income = Breach.objects.get(metric="psi", column="income", level="breach")
    assert income.window == Window.objects.get(start_on="2026-03-01", is_newest=True)
    assert income.window.revision == 2
    assert income.value != before[income.pk]
    opened = Entry.objects.filter(event="monitoring.breach_opened")
    assert opened.count() - announced == Breach.objects.filter(level="breach").exclude(pk__in=before).count()


def test_a_restatement_that_is_not_beyond_ends_the_breach_with_the_reason(monitor, perform, folder):
    restated(monitor, perform, folder, shift=0.0)

    income = Breach.objects.get(metric="psi", column="income")
    assert (income.ended_at is None, income.window.revision) == (False, 1)
    assert re.fullmatch(r"0\.\d+ nats in revision 2; watch is above 0\.100", income.end_reason)
    assert not Breach.objects.standing().filter(level="breach").exists()
    assert Entry.objects.filter(event="monitoring.breach_ended").exists()


def test_a_restatement_without_a_value_ends_the_breach(monitor, perform, folder):
    logs.write_log(folder / "log", seed=7, months=3, rows=100)

    perform(monitor)

    income = Breach.objects.get(metric="psi", column="income")
    assert income.end_reason.startswith("Restated without a value: 100 observations")


def test_what_stands_is_the_same_for_list_count_and_standing(client, model, monitor, perform, folder):
    logs.write_log(folder / "log", seed=7, months=4, shifts={3: 1.5})
    perform(monitor)

    standing = Breach.objects.standing()

    listed = client.get("/api/v1/breaches/").json()["breaches"]
    assert {breach["id"] for breach in listed} == set(standing.values_list("pk", flat=True))
    assert all(breach["stands"] for breach in listed)
    assert Standing.objects.get(model=model).open_breaches == standing.filter(level="breach").count()
    assert Breach.objects.with_place().filter(stands=True).count() == standing.count() < Breach.objects.count()


def test_how_often_a_threshold_would_have_fired_is_told_without_storing_it(cast, monitor):
    wanted = threshold(monitor, cast, metric="score_ks", watch=0.01, breach=0.3)
    figures = Measurement.objects.filter(window__monitor=monitor).order_by("window__start_on", "pk")

    levels = [judgement.level for judgement in judge(figures, [wanted])]

    assert len(levels) == 3
    assert levels[-1] == "breach"
    assert not Threshold.objects.filter(metric="score_ks").exists()


def test_each_breach_is_announced_by_itself_and_what_is_on_watch_in_one_entry(monitor):
    breaches, watched = (Breach.objects.filter(level=level) for level in ("breach", "watch"))

    assert Entry.objects.filter(event="monitoring.breach_opened").count() == breaches.count() > 0
    entry = Entry.objects.get(event="monitoring.watch_moved")
    assert entry.subject == f"monitoring.monitor:{monitor.pk}"
    assert entry.data["count"] == watched.count() > 0
    assert set(entry.data["announces"]) == {f"monitoring.breach:{breach.pk}" for breach in watched}


def test_a_segment_is_measured_and_not_judged(cast, define, perform, folder):
    logs.write_log(folder / "log", seed=7, months=1, shifts={1: 1.5})
    perform(define(columns=logs.COLUMNS | {"segments": ["channel"]}))

    assert Measurement.objects.filter(segment="channel=web", metric="psi", value__gte=0.25).exists()
    assert not Breach.objects.exclude(segment="").exists()


@pytest.fixture
def client(cast):
    client = APIClient()
    client.force_authenticate(cast.officer)
    return client


def test_the_api_says_how_each_figure_stands(client, monitor):
    march = client.get(f"/api/v1/monitors/{monitor.pk}/windows/").json()[0]

    levels = {(f["metric"], f["column"], f["segment"]): f["level"] for f in march["figures"]}
    assert levels["psi", "income", ""] == "breach"
    assert levels["psi", "channel", ""] == "good"
    assert levels["brier", "", ""] == ""  # no threshold governs it
    assert march["figures_sha256"] == Window.objects.get(start_on="2026-03-01").figures_sha256


def test_the_api_takes_as_many_queries_for_many_windows_as_for_few(client, monitor, perform, folder):
    address = f"/api/v1/monitors/{monitor.pk}/windows/"
    few = queries_of(client, address)
    logs.write_log(folder / "log", seed=7, months=6)
    perform(monitor)

    assert queries_of(client, address) == few
