import pytest

from engines.local import fit_reference
from tests.spec.engines import logs


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    partition = logs.reference_log(tmp_path_factory.mktemp("reference") / "reference.parquet")
    return fit_reference([partition], logs.SPEC, seed=20_260_301)
