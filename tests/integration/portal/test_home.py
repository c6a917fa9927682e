"""The page that everybody starts from."""

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.roles import Role
from audit.services import record
from inventory import services as inventory
from inventory.models import Standing
from jobs.models import Job
from monitoring.events import BREACH_OPENED, RUN_COMPLETED
from monitoring.models import Breach, Monitor, Run, Window
from proposals import services as proposals
from tests.pages import browser_of, queries_of, text_of

TOLD = {"what": "PSI of x", "shown": "0.300 nats", "limit": "above 0.250", "run": "RUN-1"}
COMPLETED = {"outcome": "computed", "rows_read": 1, "partitions": 1, "windows": 1, "result_digest": "a" * 64}


def register(cast, name, *, light="unknown", **changes):
    wanted = {"kind": "statistical", "unit": cast.retail, "owner": cast.owner.person, "by": cast.officer}
    model, _ = inventory.register_model(external_id=name, name=name, **(wanted | changes))
    Standing.objects.filter(model=model).update(light=light, light_since=timezone.now())
    return model


def start_run(cast, model, number=1):
    version, _ = inventory.register_version(
        model=model, label=f"{number}.0", mlflow_uri="models:/card_pd/1", by=cast.officer
    )
    monitor = Monitor.objects.create(
        model=model,
        version=version,
        name=f"Monitor {number}",
        location="/logs",
        columns={"features": []},
        reference_location="/logs",
        seed=1,
        defined_by=cast.officer.person,
    )
    job = Job.objects.create(task="monitoring.run", asked_by=cast.officer, step="Reading March")
    return Run.objects.create(model=model, monitor=monitor, job=job, labels_as_of=timezone.now())


def propose(cast, by):
    return proposals.propose_role(
        person=cast.stranger.person, role=Role.VALIDATOR, unit=cast.retail, reason="Joins the team", by=by
    )


def test_home_counts_the_models_by_light_and_names_those_in_trouble_first(cast):
    register(cast, "Watched", light="watch")
    register(cast, "Broken", light="breach")
    register(cast, "Fine", light="good")

    page = browser_of(cast.validator).get("/")

    assert page.context["lights"] == {"good": 1, "watch": 1, "breach": 1, "unknown": 0}
    assert [model.name for model in page.context["attention"]] == ["Broken", "Watched"]


def test_home_does_not_reassure_where_nothing_was_measured(cast):
    register(cast, "Card PD")
    alone = text_of(browser_of(cast.validator).get("/"))
    register(cast, "Card LGD", light="good")

    beside_another = text_of(browser_of(cast.validator).get("/"))

    assert "Nothing has been measured yet" in alone
    assert "1 model has no run." in alone
    assert "beyond a threshold</h3>" not in alone
    assert "Nothing that was measured is beyond a threshold" in beside_another
    assert "1 of your 2 models has not been measured yet." in beside_another


def test_home_has_no_count_of_breaches_where_nothing_was_measured(cast):
    register(cast, "Card PD")

    page = text_of(browser_of(cast.owner).get("/"))

    assert '<td class="num" data-l="Breaches"><span class="q" aria-hidden="true">–</span>' in page


@pytest.mark.outside_portal
def test_home_says_once_what_a_run_crossed(cast):
    run = start_run(cast, register(cast, "Card PD"))
    window = Window.objects.create(
        monitor=run.monitor, run=run, start_on="2026-03-01", end_on="2026-03-31", revision=1, rows=1, labelled=0
    )
    with transaction.atomic():
        for number in range(3):
            breach = Breach.objects.create(
                model=run.model, window=window, metric="psi", column=f"x{number}", value=0.3, level="breach"
            )
            announced = {"metric": "psi", "column": f"x{number}", "value": 0.3, "threshold": 0.25, "window": "Mar 2026"}
            record(BREACH_OPENED, subject=breach, trails=[run.model], by=None, data=announced | TOLD)
        record(RUN_COMPLETED, subject=run, trails=[run.model], by=None, data=COMPLETED | {"run": run.ref})

    page = text_of(browser_of(cast.owner).get("/"))

    assert f'<a href="/runs/{run.pk}/#breaches">3 thresholds crossed</a> in {run.ref}' in page
    assert "Breach opened" not in page
    assert "The portal" not in page


@pytest.mark.outside_portal
def test_home_shows_nothing_of_another_unit(cast):
    start_run(cast, register(cast, "Retail PD", light="breach"))

    page = text_of(browser_of(cast.stranger).get("/"))

    assert "Retail PD" not in page
    assert "Running now" not in page


@pytest.mark.outside_portal
def test_home_shows_what_i_own_what_runs_and_what_happened(cast):
    model = register(cast, "Card PD")
    start_run(cast, model)

    page = browser_of(cast.owner).get("/")

    assert [own.name for own in page.context["own"]] == ["Card PD"]
    assert "Waits for a worker" in text_of(page)
    assert [change["line"].model for change in page.context["changed"]] == [model, model]
    assert "Version registered" in text_of(page)


def test_a_role_waits_at_the_second_administrator_and_not_at_the_first(cast):
    propose(cast, by=cast.administrator)

    assert "Waits for your decision" in text_of(browser_of(cast.second_administrator).get("/"))
    assert "Waits for your decision" not in text_of(browser_of(cast.administrator).get("/"))
    assert "Waits for your decision" not in text_of(browser_of(cast.officer).get("/"))


def test_home_says_so_when_nothing_waits(cast):
    assert "Nothing waits for you" in text_of(browser_of(cast.administrator).get("/"))
    assert "No models yet" in text_of(browser_of(cast.officer).get("/"))


def test_home_only_reads_and_asks_to_sign_in(cast):
    assert browser_of(cast.officer).post("/").status_code == 405
    assert browser_of(None).get("/").status_code == 302


@pytest.mark.outside_portal
def test_home_takes_as_many_queries_for_many_rows_as_for_few(cast):
    client = browser_of(cast.officer)
    for number in range(3):
        start_run(cast, register(cast, f"Model {number}", light="breach"))
    for_three = queries_of(client, "/")
    for number in range(3, 30):
        start_run(cast, register(cast, f"Model {number}", light="breach"))

    assert queries_of(client, "/") == for_three
