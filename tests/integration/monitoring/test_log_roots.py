"""A monitor reads what lies in its unit's folders, wherever a path, a pattern or a link leads, and tells no cell."""

import shutil
from pathlib import Path

import pytest

from accounts.refusals import InvalidInput
from monitoring.models import Monitor, Run
from monitoring.sources import LocationRefused, find_log
from tests import environment, logs

OUTSIDE = Path(environment.FOLDER).parent / f"{Path(environment.FOLDER).name}-outside"


@pytest.fixture
def outside():
    """A log beside the configured folder, under a name that begins with the folder's own."""
    yield logs.write_log(OUTSIDE / "log", seed=9, months=1)
    shutil.rmtree(OUTSIDE)


def link_to_a_file(folder: Path, outside: Path) -> str:
    (folder / "below").mkdir()
    (folder / "below" / "part.parquet").symlink_to(next(outside.rglob("*.parquet")))
    return str(folder / "below")


def link_to_a_folder_behind_a_pattern(folder: Path, outside: Path) -> str:
    (folder / "month").symlink_to(outside)
    return f"{folder}/mon*/*/*.parquet"


def pattern_over_siblings(folder: Path, outside: Path) -> str:
    return f"{environment.FOLDER}*/log/*/*.parquet"


def link_that_is_the_location(folder: Path, outside: Path) -> str:
    (folder / "there").symlink_to(outside)
    return str(folder / "there")


@pytest.mark.parametrize(
    "place",
    [link_to_a_file, link_to_a_folder_behind_a_pattern, pattern_over_siblings, link_that_is_the_location],
)
def test_a_log_that_leads_out_of_the_configured_folders_is_refused(define, folder, outside, place):
    with pytest.raises(InvalidInput, match="lies outside the folders") as refusal:
        define(location=place(folder, outside))

    assert list(refusal.value.problems) == ["location"]
    assert not Monitor.objects.exists()


def test_a_link_that_is_turned_after_the_definition_is_refused_by_the_run(define, perform, folder, outside):
    logs.write_log(folder / "log", seed=2, months=1)
    monitor = define()
    part = next((folder / "log").rglob("*.parquet"))
    part.unlink()
    part.symlink_to(next(outside.rglob("*.parquet")))

    run = perform(monitor)

    assert run.outcome == Run.Outcome.REFUSED
    assert "lies outside the folders" in run.reasons[0]


def test_a_folder_of_one_unit_is_closed_to_models_of_another(cast, folder, settings):
    log = logs.write_log(folder / "log", seed=2, months=1)
    settings.LOG_ROOTS = [(cast.retail.code, folder)]

    assert find_log(str(log), "parquet", cast.retail)
    with pytest.raises(LocationRefused, match="may read for this unit"):
        find_log(str(log), "parquet", cast.markets)


def test_a_folder_of_the_whole_bank_is_open_to_every_unit(cast, folder, settings):
    log = logs.write_log(folder / "log", seed=2, months=1)
    settings.LOG_ROOTS = [("", folder)]

    assert find_log(str(log), "parquet", cast.markets)


@pytest.mark.parametrize(
    ("column", "place"), [("income", "features/0/name"), ("scored_at", "time"), ("score", "score")]
)
def test_a_refusal_tells_no_cell_of_the_log(define, folder, column, place):
    names = ["row_id", "scored_at", "income", "utilisation", "channel", "score", "decision", "label", "label_known_at"]
    row = ["1", "2026-01-01", "1", "1", "web", "0.5", "approve", "0", "2026-02-01"]
    row[names.index(column)] = "SECRET"
    (folder / "log").mkdir()
    (folder / "log" / "one.csv").write_text(",".join(names) + "\n" + ",".join(row) + "\n")

    with pytest.raises(InvalidInput) as refusal:
        define(format="csv", reference_location=str(folder / "log"))

    assert f"columns/{place}" in refusal.value.problems
    assert "SECRET" not in str(refusal.value)


def test_the_first_line_of_a_csv_is_not_told_it_may_be_a_customer_s(define, folder):
    (folder / "log").mkdir()
    (folder / "log" / "one.csv").write_text("4711,Secret Person,INCOME\n4712,Other Person,7\n")

    with pytest.raises(InvalidInput) as refusal:
        define(format="csv", reference_location=str(folder / "log"))

    assert "is 'INCOME' meant? It has 3 columns" in refusal.value.problems["columns/features/0/name"]
    assert "Secret" not in str(refusal.value)
