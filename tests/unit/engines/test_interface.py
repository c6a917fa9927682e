"""An engine is what fulfils the interface: the local one does, call by call."""

import inspect

import pytest

from engines.interface import Engine
from engines.local import LocalEngine, fit_reference_and_sample, profile_partition, refresh_labels
from engines.sources import find_files
from tests.spec.engines import logs
from tests.spec.engines.logs import SPEC, moment

CALLS = ("partitions", "fit", "profile", "refresh")


def test_the_local_engine_is_one():
    assert isinstance(LocalEngine(), Engine)
    assert set(CALLS) == {name for name in vars(Engine) if not name.startswith("_")}


@pytest.mark.parametrize("call", CALLS)
def test_each_call_takes_the_arguments_of_the_interface(call):
    wanted, given = (inspect.signature(getattr(of, call)).parameters for of in (Engine, LocalEngine))

    assert [(p.name, p.kind) for p in given.values()] == [(p.name, p.kind) for p in wanted.values()]


def test_something_that_lacks_a_call_is_none():
    class Half:
        def partitions(self, files): ...

    assert not isinstance(Half(), Engine)


def test_a_log_goes_through_it_as_through_the_functions_behind_it(tmp_path):
    engine, early, late = LocalEngine(), moment("2026-03-20T00:00"), moment("2026-05-20T00:00")
    logs.reference_log(tmp_path / "reference.parquet")
    logs.messy_log(tmp_path / "log.parquet", 21)
    before = engine.partitions(find_files(tmp_path / "reference.parquet", "parquet"))
    partitions = engine.partitions(find_files(tmp_path / "log.parquet", "parquet"))

    reference, sample = engine.fit(before, SPEC, since=None, until=None, seed=1)
    (profile,) = engine.profile(partitions, SPEC, reference, labels_as_of=early)
    revised = engine.refresh(partitions[0], SPEC, reference, profile, labels_as_of=late)

    fitted, drawn = fit_reference_and_sample(before, SPEC, seed=1)
    assert (reference.sha256, sample.to_bytes()) == (fitted.sha256, drawn.to_bytes())
    assert profile.sha256 == profile_partition(partitions[0], SPEC, reference, labels_as_of=early).sha256
    by_function = refresh_labels(partitions[0], SPEC, reference, profile, labels_as_of=late)
    assert revised.sha256 == by_function.sha256 != profile.sha256
