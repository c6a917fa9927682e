import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from inventory import services as inventory
from jobs import services as jobs
from monitoring.models import Run
from monitoring.services import definitions, runs
from tests import environment, logs
from worker.running import run_claimed
from worker.tasks import monitoring as tasks

AS_OF = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def folder(request):
    """A folder below the configured log root."""
    path = Path(environment.FOLDER) / "logs" / request.node.name[:60]
    path.mkdir(parents=True)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def model(cast):
    model, _ = inventory.register_model(
        external_id="cards/pd",
        name="Card PD",
        kind="statistical",
        unit=cast.retail,
        owner=cast.owner.person,
        developer=cast.developer.person,
        by=cast.owner,
    )
    return model


@pytest.fixture
def version(cast, model):
    version, _ = inventory.register_version(model=model, label="1.0.0", mlflow_uri="models:/card_pd/1", by=cast.owner)
    return version


@pytest.fixture
def define(cast, model, version, folder):
    """Define a monitor over a log in `folder`; keyword arguments override."""

    def define(**changes):
        reference = logs.write_log(folder / "reference", seed=1, months=2, rows=2000)
        wanted = {
            "name": "Originations",
            "location": str(folder / "log"),
            "format": "parquet",
            "columns": logs.COLUMNS,
            "reference_location": str(reference),
        }
        return definitions.define_monitor(model=model, by=cast.officer, **({"version": version} | wanted | changes))

    return define


@pytest.fixture
def perform(cast):
    """Ask for a run and do it here, as a worker would."""

    def perform(monitor, *, labels_as_of=AS_OF, repeats=None) -> Run:
        run = runs.ask_for_run(monitor=monitor, labels_as_of=labels_as_of, repeats=repeats, by=cast.officer)
        run_claimed(jobs.claim(job_id=run.job_id), tasks.run_monitor)
        return Run.objects.select_related("job", "repeats").get(pk=run.pk)

    return perform
