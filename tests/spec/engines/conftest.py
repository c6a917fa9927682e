import pytest

from engines.local import fit_reference
from tests.spec.engines import logs
from tests.spec.engines.engines_under_test import ENGINES


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    partition = logs.reference_log(tmp_path_factory.mktemp("reference") / "reference.parquet")
    return fit_reference([partition], logs.SPEC, seed=20_260_301)


@pytest.fixture(params=ENGINES)
def engine(request):
    return ENGINES[request.param]


@pytest.fixture
def log(tmp_path):
    """Write one row for each dictionary given."""
    return lambda *rows: logs.rows(tmp_path / "log.parquet", *rows)
