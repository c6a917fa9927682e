import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engines.local import profile_partition
from engines.log import columns_named
from engines.refusals import LogRefused
from engines.sources import check_columns, check_log, find_files, find_partitions, partition_at
from tests.spec.engines import logs
from tests.spec.engines.logs import SPEC, messy_log


def put(path, columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture
def folder(tmp_path):
    for month in ("2026-02", "2026-01", "2026-10"):
        put(tmp_path / f"month={month}" / "part.parquet", {"x": [1]})
    put(tmp_path / "_temporary" / "half.parquet", {"x": [1]})
    put(tmp_path / "month=2026-01" / ".hidden.parquet", {"x": [1]})
    (tmp_path / "month=2026-01" / "_SUCCESS").touch()
    return tmp_path


KEYS = ["month=2026-01/part.parquet", "month=2026-02/part.parquet", "month=2026-10/part.parquet"]


def test_a_partitioned_folder_gives_its_data_files_in_order(folder):
    found = find_partitions(folder, "parquet")

    assert [partition.key for partition in found] == KEYS
    content = (folder / KEYS[0]).read_bytes()
    assert (found[0].bytes, found[0].sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_glob_gives_the_same_files(folder):
    assert [p.key for p in find_partitions(f"{folder}/month=*/part.parquet", "parquet")] == KEYS


def test_one_file_is_one_partition(folder):
    assert [p.key for p in find_partitions(folder / KEYS[1], "parquet")] == ["part.parquet"]


@pytest.mark.parametrize("location", ["nothing", "*.parquet", ""])
def test_a_location_without_files_is_refused_in_a_sentence(tmp_path, location):
    with pytest.raises(LogRefused, match="no parquet file was found at"):
        find_partitions(tmp_path / location, "parquet")


def columns(**changes):
    good = {
        "id": ["a"],
        "asked_at": ["2026-03-01T10:00:00"],
        "income": [1.0],
        "age": [30],
        "product": ["card"],
        "score": [0.5],
        "decision": ["approved"],
        "default": [0],
        "known_at": ["2026-04-01"],
        "region": ["north"],
    }
    return {name: values for name, values in {**good, **changes}.items() if values is not None}


def test_a_log_that_fits_has_no_problem(tmp_path):
    assert check_log([partition_at(put(tmp_path / "log.parquet", columns()))], SPEC) == []


@pytest.mark.parametrize(
    ("changes", "column", "reason"),
    [
        ({"income": None}, "income", "there is no column 'income' in log.parquet"),
        ({"score": None}, "score", "there is no column 'score'"),
        ({"income": ["plenty"]}, "income", "is text, a number is needed"),
        ({"score": ["high"]}, "score", "is text, a number is needed"),
        ({"income": [[1.0]]}, "income", "lists or records"),
        ({"asked_at": [1_772_000_000]}, "asked_at", "a time such as 2026-01-31T09:30:00 is needed"),
        ({"asked_at": ["yesterday"]}, "asked_at", "holds no moment, a time such as"),
        ({"default": [pa.scalar(0, pa.timestamp("s")).as_py()]}, "default", "holds moments, a number is needed"),
        ({"known_at": [True]}, "known_at", "a time such as"),
    ],
)
def test_what_does_not_fit_is_named_with_its_column(tmp_path, changes, column, reason):
    problems = check_log([partition_at(put(tmp_path / "log.parquet", columns(**changes)))], SPEC)

    assert [problem.column for problem in problems] == [column]
    assert reason in problems[0].reason


def test_a_missing_column_is_said_with_what_is_there_and_what_may_be_meant(tmp_path):
    path = put(tmp_path / "log.parquet", columns(income=None, Income_2=[1.0]))

    [problem] = check_log([partition_at(path)], SPEC)

    assert problem.place == ("features", 0, "name")
    assert "there is no column 'income' in log.parquet; is 'Income_2' meant? It has id, asked_at, age" in problem.reason


def test_a_column_that_is_named_twice_is_a_problem_at_both_places(tmp_path):
    path = put(tmp_path / "log.parquet", columns(product=None))
    spec = replace(SPEC, segments=("product",))

    problems = check_log([partition_at(path)], spec)

    assert [problem.place for problem in problems] == [("segments", 0), ("features", 2, "name")]


def test_columns_are_checked_while_the_definition_has_other_faults(tmp_path):
    path = put(tmp_path / "log.parquet", columns(score=["high"]))
    named = columns_named(SPEC.to_dict() | {"time_zone": "Moon", "features": [{"name": "INCOME", "kind": "real"}]})

    problems = check_columns([partition_at(path)], named)

    assert [(problem.column, problem.place) for problem in problems] == [
        ("score", ("score",)),
        ("INCOME", ("features", 0, "name")),
    ]


def test_a_problem_of_many_partitions_is_reported_once(tmp_path):
    paths = [put(tmp_path / f"{i}.parquet", columns(income=None)) for i in range(3)]

    problems = check_log([partition_at(path) for path in paths], SPEC)

    assert len(problems) == 1
    assert "0.parquet" in problems[0].reason


def test_an_unreadable_partition_is_a_problem_beside_the_others(tmp_path):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 nothing of the sort")
    good = logs.rows(tmp_path / "good.parquet", {})

    problems = check_log([partition_at(tmp_path / "broken.parquet"), good], SPEC)

    assert [problem.column for problem in problems] == [None]
    assert "broken.parquet cannot be read as parquet" in problems[0].reason


def test_a_file_that_changes_between_its_digest_and_its_reading_is_refused(reference, tmp_path):
    whole = messy_log(tmp_path / "log.parquet", 3)
    partition = partition_at(whole.path)
    changed = messy_log(tmp_path / "other.parquet", 4)
    os.replace(changed.path, whole.path)

    with pytest.raises(LogRefused, match="changed while it was read"):
        profile_partition(partition, SPEC, reference)


def test_a_file_that_is_rewritten_in_place_is_refused_though_size_and_time_are_put_back(reference, tmp_path):
    partition = partition_at(messy_log(tmp_path / "log.parquet", 3).path)
    before, data = os.stat(partition.path), Path(partition.path).read_bytes()
    Path(partition.path).write_bytes(data)
    os.utime(partition.path, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(LogRefused, match="changed while it was read"):
        profile_partition(partition, SPEC, reference)


def test_what_is_read_is_where_the_link_led_when_it_was_found(tmp_path):
    put(tmp_path / "real.parquet", {"x": [1]})
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / "part.parquet").symlink_to(tmp_path / "real.parquet")

    (found,) = find_files(tmp_path / "log", "parquet")

    assert (found.key, found.path) == ("part.parquet", str(tmp_path / "real.parquet"))
