"""A model stands as all its records say, whichever monitor ran last."""

import threading
import time
from datetime import UTC, datetime

import pytest
from django.db import connection, connections, transaction

from inventory.models import Standing
from inventory.services import set_standing
from jobs.models import Job
from monitoring.models import Breach, Explanation, Measurement, Threshold, Window
from monitoring.services import standing as services
from monitoring.services.standing import headline_levels, move_standing, standing_of
from monitoring.services.thresholds import Limit, set_threshold
from tests import logs
from tests.pages import browser_of, text_of


def light_of(model) -> str:
    return Standing.objects.get(model=model).light


def mismatch(window: Window) -> Breach:
    """What is kept of a model that did not give the logged scores of a window."""
    explained(window, unequal=7)
    return Breach.objects.create(
        model=window.monitor.model, window=window, metric="rescoring_mismatch", value=0.007, level="breach"
    )


def explained(window: Window, *, unequal: int) -> Explanation:
    return Explanation.objects.create(
        model=window.monitor.model,
        window=window,
        version=window.monitor.version,
        job=Job.objects.create(task="monitoring.explain"),
        reference=window.run.reference,
        method="x",
        rows=1000,
        seed=1,
        scale="logit",
        importance={},
        reference_importance={},
        importance_change={},
        reason_codes=[],
        additivity_error=0.0,
        rescored_rows=1000,
        rescored_unequal=unequal,
        is_loaded_by_code=False,
        libraries={},
    )


@pytest.fixture
def monitor(define, folder):
    logs.write_log(folder / "log", seed=7, months=2)
    return define()


@pytest.mark.outside_portal
def test_a_model_that_does_not_give_its_logged_scores_stays_red_when_the_monitor_runs_again(monitor, perform, model):
    perform(monitor)
    assert light_of(model) == "good"
    mismatch(Window.objects.get(start_on="2026-02-01"))

    perform(monitor)

    assert light_of(model) == "breach"


@pytest.mark.outside_portal
def test_it_stays_red_when_a_month_or_a_label_came_since(monitor, perform, folder, model):
    perform(monitor, labels_as_of=datetime(2026, 4, 15, tzinfo=UTC))
    mismatch(Window.objects.get(start_on="2026-02-01"))
    logs.write_log(folder / "log", seed=7, months=3)

    perform(monitor)

    assert Window.objects.get(start_on="2026-02-01", is_newest=True).revision == 2
    assert light_of(model) == "breach"


@pytest.mark.outside_portal
def test_it_is_good_again_once_it_was_re_scored_and_gave_them(monitor, perform, folder, model):
    perform(monitor)
    mismatch(Window.objects.get(start_on="2026-02-01"))
    logs.write_log(folder / "log", seed=7, months=3)
    perform(monitor)
    assert light_of(model) == "breach"

    explained(Window.objects.get(start_on="2026-03-01"), unequal=0)
    move_standing(model=model)

    assert light_of(model) == "good"


def test_a_red_monitor_is_not_forgotten_when_another_runs(monitor, define, perform, folder, model):
    logs.write_log(folder / "other", seed=8, months=2, shifts={2: 1.5})
    red = define(name="Existing customers", location=str(folder / "other"))
    perform(monitor)
    perform(red)
    assert light_of(model) == "breach"

    perform(monitor)

    standing = Standing.objects.get(model=model)
    assert standing.light == "breach"
    assert standing.open_breaches == Breach.objects.filter(level="breach").count() > 0


def test_the_same_records_give_the_same_standing_whoever_ran_last(monitor, define, perform, folder, model):
    logs.write_log(folder / "other", seed=8, months=1)
    other = define(name="Existing customers", location=str(folder / "other"))
    perform(monitor)
    perform(other)
    first = standing_of(model) | {"last_run_at": None}

    perform(other)
    perform(monitor)

    assert standing_of(model) | {"last_run_at": None} == first
    assert (first["last_window"], len(first["auc_history"])) == ("Feb 2026", 2)


def test_a_breach_that_a_later_window_does_not_have_is_answered(define, perform, folder, model):
    logs.write_log(folder / "log", seed=7, months=3, shifts={2: 1.5})

    perform(define())

    assert Breach.objects.filter(window__start_on="2026-02-01", level="breach").exists()
    assert (light_of(model), Standing.objects.get(model=model).open_breaches) == ("good", 0)


@pytest.mark.outside_portal
def test_a_breach_of_what_only_late_labels_show_stands_until_newer_labels_come(cast, monitor, perform, model):
    """The newest window has no outcome yet: the newest AUC there is decides."""
    Threshold.objects.create(
        model=model,
        monitor=monitor,
        metric="auc",
        side="below",
        watch=0.99,
        breach=0.98,
        rationale="Never met.",
        set_by=cast.officer.person,
    )

    perform(monitor, labels_as_of=datetime(2026, 5, 1, tzinfo=UTC))

    assert list(Breach.objects.filter(metric="auc").values_list("window__start_on__month", flat=True)) == [1]
    assert light_of(model) == "breach"


def test_a_model_without_a_window_stands_as_unknown(monitor, model):
    assert standing_of(model)["light"] == "unknown"
    assert standing_of(model)["last_run_at"] is None


def test_a_monitor_without_thresholds_says_nothing_of_how_the_model_stands(define, perform, folder, model):
    logs.write_log(folder / "log", seed=7, months=1)

    perform(define(limits=()))

    assert (light_of(model), Standing.objects.get(model=model).last_window) == ("unknown", "Jan 2026")


def test_the_newest_auc_stands_by_its_own_threshold_or_by_that_on_its_change(cast, define, perform, folder, model):
    logs.write_log(folder / "log", seed=7, months=2, shifts={2: 1.5})
    monitor = define()
    assert headline_levels(model) == {}
    perform(monitor)

    by_change = headline_levels(model)
    limit = Limit("auc", "below", 0.99, 0.98, "Never met.")
    set_threshold(monitor=monitor, limit=limit, by=cast.officer)

    change = Measurement.objects.get(metric="auc_change", window__start_on="2026-02-01", segment="")
    assert by_change["auc"] == Threshold.objects.get(metric="auc_change").level_of(change.value)
    assert by_change["score_psi"] == "breach"
    assert headline_levels(model)["auc"] == "breach"
    page = text_of(browser_of(cast.owner).get(f"/models/{model.ref}/"))
    assert page.count("st breach") >= 3  # the light, AUC, PSI of the score


# ---- each app its own part ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("part", "column"), [("inventory", "light"), ("monitoring", "latest_version"), ("nobody", "light")]
)
def test_an_app_sets_its_own_part_and_no_other(model, part, column):
    with pytest.raises(ValueError, match=f"{column} of a standing is not {part}'s to set"):
        set_standing(model=model, part=part, **{column: "x"})


def test_since_when_the_light_shows_moves_with_the_light_alone(model):
    since = set_standing(model=model, part="monitoring", light="watch").light_since

    again = set_standing(model=model, part="monitoring", light="watch", open_breaches=1)

    assert again.light_since == since is not None
    assert set_standing(model=model, part="monitoring", light="good").light_since > since


# ---- two at once -------------------------------------------------------------------------------------------
def while_another_moves_it(window: Window) -> None:
    """A breach is opened and the standing moved in one transaction, while another run moves the standing too."""

    def move() -> None:
        move_standing(model=window.monitor.model)
        connections.close_all()

    other = threading.Thread(target=move)
    with transaction.atomic():
        mismatch(window)
        move_standing(model=window.monitor.model)
        other.start()
        wait_until_somebody_waits()
    other.join()


def wait_until_somebody_waits() -> None:
    until = time.monotonic() + 20
    with connection.cursor() as cursor:
        while time.monotonic() < until:
            cursor.execute("select count(*) from pg_locks where not granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.05)
    raise AssertionError("nobody waited for the lock within 20 s")


@pytest.mark.outside_portal
def test_of_two_that_move_it_at_once_the_later_sees_what_the_earlier_found(monitor, perform, model):
    perform(monitor)

    while_another_moves_it(Window.objects.get(start_on="2026-02-01"))

    assert light_of(model) == "breach"


@pytest.mark.outside_portal
def test_twin_without_the_lock_before_computing_the_breach_is_lost(monitor, perform, model, monkeypatch):
    perform(monitor)
    monkeypatch.setattr(services, "lock_standing", lambda *, model: Standing.objects.get(model=model))

    while_another_moves_it(Window.objects.get(start_on="2026-02-01"))

    assert light_of(model) == "good"
