"""A threshold is a record: a change ends it, is a new one, and is held at once against what was measured."""

import re
from dataclasses import replace

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.refusals import InvalidInput, NotNow, NotPermitted
from audit.events import say
from audit.models import Entry
from inventory.models import Standing
from monitoring.models import Breach, Measurement, Threshold, Window
from monitoring.services.thresholds import Limit, end_threshold, set_threshold
from monitoring.verification import verify_figures
from tests import logs
from tests.pages import browser_of, text_of

PSI = Limit("psi", "above", 0.1, 0.25, "Custom.")


@pytest.fixture
def monitor(define, perform, folder):
    """Three months measured, income shifted in the last; PSI alone has a threshold."""
    logs.write_log(folder / "log", seed=7, months=3, shifts={3: 1.5})
    monitor = define(limits=(PSI,), columns=logs.COLUMNS | {"segments": ["channel"]})
    perform(monitor)
    return monitor


def open_breaches() -> set[tuple]:
    return set(Breach.objects.open().values_list("window__start_on__month", "column", "segment", "level"))


def test_a_change_is_a_new_record_and_the_old_one_stays(cast, monitor):
    new = set_threshold(monitor=monitor, limit=replace(PSI, watch=5, breach=9, rationale="Laxer."), by=cast.officer)

    old = Threshold.objects.get(metric="psi", breach=0.25)
    assert (old.ended_by, old.ended_at is None) == (cast.officer.person, False)
    assert (new.ended_at, new.set_by) == (None, cast.officer.person)
    assert list(monitor.thresholds.in_force()) == [new]


def test_history_is_judged_by_it_at_once_and_figures_stay(cast, monitor, model):
    before = dict(Measurement.objects.values_list("pk", "value"))
    assert open_breaches() == {(3, "income", "", "breach")}

    set_threshold(monitor=monitor, limit=replace(PSI, watch=5, breach=9), by=cast.officer)
    assert open_breaches() == set()
    assert Standing.objects.get(model=model).light == "good"
    set_threshold(monitor=monitor, limit=replace(PSI, watch=0.0, breach=0.2), by=cast.officer)

    assert {(month, column) for month, column, _, level in open_breaches() if level == "watch"} >= {(1, "income")}
    assert (3, "income", "", "breach") in open_breaches()
    assert Standing.objects.get(model=model).light == "breach"
    assert dict(Measurement.objects.values_list("pk", "value")) == before
    assert verify_figures().holds


def test_what_an_ended_threshold_judged_stays_on_record(cast, monitor):
    set_threshold(monitor=monitor, limit=replace(PSI, watch=5, breach=9), by=cast.officer)

    kept = Breach.objects.get(level="breach")
    assert (kept.threshold.breach, kept.window.label) == (0.25, "Mar 2026")
    assert re.fullmatch(r"\d\.\d+ nats in revision 1; watch is above 5\.000", kept.end_reason)
    ended = Entry.objects.get(event="monitoring.breach_ended")
    assert say(ended.event, ended.data) == f"PSI of income in Mar 2026: {kept.end_reason}"
    assert not Entry.objects.filter(event="audit.outside_portal").exists()


def test_a_stricter_or_laxer_threshold_moves_the_breach_that_is_open(cast, monitor):
    first = Breach.objects.get(level="breach")

    set_threshold(monitor=monitor, limit=replace(PSI, watch=0.05, breach=9), by=cast.officer)
    eased = Breach.objects.open().get(pk=first.pk)
    set_threshold(monitor=monitor, limit=replace(PSI, watch=0.05, breach=0.2), by=cast.officer)

    raised = Breach.objects.open().get(pk=first.pk)
    assert (eased.level, eased.threshold.breach) == ("watch", 9)
    assert (raised.level, raised.threshold.breach) == ("breach", 0.2)
    said = {entry.event: say(entry.event, entry.data) for entry in Entry.objects.order_by("id")}
    assert ", on watch above 0.050; it was " in said["monitoring.breach_eased"]
    assert ", above 0.200; it was on watch with " in said["monitoring.breach_raised"]
    assert Entry.objects.filter(event="monitoring.breach_opened").count() == 1


def test_without_a_threshold_that_governs_it_a_breach_ends(cast, monitor):
    end_threshold(threshold=Threshold.objects.get(), reason="Tried.", by=cast.officer)

    assert not Breach.objects.open().exists()
    assert Breach.objects.get(level="breach").end_reason == "No threshold governs it any more"


def test_the_threshold_of_a_column_governs_it_before_that_of_every_column(cast, monitor):
    set_threshold(monitor=monitor, limit=replace(PSI, watch=5, breach=9, column="income"), by=cast.officer)

    assert open_breaches() == set()
    set_threshold(monitor=monitor, limit=replace(PSI, watch=0.0, breach=9), by=cast.officer)
    assert {column for _, column, _, _ in open_breaches()} == {"utilisation", "channel"}


def test_once_it_is_ended_that_of_every_column_governs_again(cast, monitor):
    own = set_threshold(monitor=monitor, limit=replace(PSI, watch=5, breach=9, column="income"), by=cast.officer)

    end_threshold(threshold=own, reason="Tried.", by=cast.officer)

    assert open_breaches() == {(3, "income", "", "breach")}


def test_a_segment_is_judged_by_a_threshold_of_its_own(cast, monitor):
    web = replace(PSI, column="income", segment="channel=web")

    set_threshold(monitor=monitor, limit=web, by=cast.officer)

    assert open_breaches() == {(3, "income", "", "breach"), (3, "income", "channel=web", "breach")}


def test_setting_and_ending_are_on_the_trail_in_words(cast, monitor):
    own = set_threshold(monitor=monitor, limit=replace(PSI, watch=1, breach=2, column="income"), by=cast.officer)
    set_threshold(monitor=monitor, limit=replace(PSI, watch=2, breach=3, column="income"), by=cast.officer)
    end_threshold(threshold=Threshold.objects.get(breach=3), reason="Not needed.", by=cast.owner)

    first, second = Entry.objects.filter(event="monitoring.threshold_set").order_by("id")
    ended = Entry.objects.get(event="monitoring.threshold_ended")
    assert say(first.event, first.data) == (
        "Originations: psi of income is on watch above 1, a breach above 2; before: none. Custom."
    )
    assert "before: above 1.0 / 2.0" in say(second.event, second.data)
    assert say(ended.event, ended.data) == "Originations: none on psi of income any more. Not needed."
    assert (own.place, ended.actor) == ("psi of income", cast.owner.person_name)


@pytest.mark.parametrize("who", ["validator", "auditor", "stranger"])
def test_a_reader_neither_sets_nor_ends_one(cast, monitor, who):
    with pytest.raises(NotPermitted):
        set_threshold(monitor=monitor, limit=PSI, by=getattr(cast, who))
    with pytest.raises(NotPermitted):
        end_threshold(threshold=Threshold.objects.get(), reason="x", by=getattr(cast, who))


def test_a_limit_that_cannot_fire_changes_nothing(cast, monitor):
    with pytest.raises(InvalidInput, match="limits/0/metric: There is no metric"):
        set_threshold(monitor=monitor, limit=replace(PSI, metric="psy"), by=cast.officer)

    assert Threshold.objects.in_force().count() == 1


def test_a_threshold_is_ended_once_and_with_a_reason(cast, monitor):
    threshold = Threshold.objects.get()
    with pytest.raises(InvalidInput, match="Say why"):
        end_threshold(threshold=threshold, reason=" ", by=cast.officer)
    end_threshold(threshold=threshold, reason="Tried.", by=cast.officer)

    with pytest.raises(NotNow):
        end_threshold(threshold=threshold, reason="Again.", by=cast.officer)


# ---- held in the database ----------------------------------------------------------------------------------
def test_the_database_has_one_in_force_at_a_place_and_any_number_ended(cast, monitor):
    for breach in (3, 4, 5):
        set_threshold(monitor=monitor, limit=replace(PSI, breach=breach), by=cast.officer)

    assert Threshold.objects.filter(metric="psi").count() == 4
    with pytest.raises(IntegrityError, match="threshold_in_force_once"), transaction.atomic():
        Threshold.objects.filter(breach=3).update(ended_at=None, ended_by=None)


def test_what_a_threshold_says_never_changes(monitor):
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("update monitoring_threshold set watch = 7, breach = 8")


@pytest.mark.outside_portal
def test_twin_without_the_trigger_a_threshold_is_rewritten(monitor, superuser):
    superuser.execute("alter table monitoring_threshold disable trigger hold_columns")

    Threshold.objects.update(watch=7, breach=8)

    assert Threshold.objects.get().breach == 8


# ---- shown -------------------------------------------------------------------------------------------------
def test_pages_show_what_is_in_force_and_open(cast, monitor, model):
    set_threshold(monitor=monitor, limit=replace(PSI, watch=5, breach=9, column="income"), by=cast.officer)
    reader = browser_of(cast.validator)

    tab = text_of(reader.get(f"/models/{model.ref}/monitoring/"))
    feature = text_of(reader.get(f"/models/{model.ref}/monitoring/features/income/"))

    assert 'PSI of <span class="mono">income</span>' in tab
    assert "No threshold was crossed in Mar 2026." in tab
    listed = text_of(reader.get("/monitoring/"))
    assert "Nothing that was crossed is without an answer: 1 crossing is past or ended." in listed
    assert "9.0" in feature
    assert Window.objects.count() == 3
