"""The regimes' files: every row of their texts is in one, and what was not read in the source says so."""

from pathlib import Path

import pytest

from inventory.models.framework import UNCHECKED, Framework, Mark
from inventory.sources import framework_files

ROWS = Path(__file__).with_name("regime_rows.txt")
FILES = {file.content["code"]: file.content for file in framework_files()}


def rows() -> dict[str, list[str]]:
    """The rows kept beside this test, by the code of their framework."""
    found, current = {}, []
    for line in ROWS.read_text().splitlines():
        if line.startswith("["):
            current = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            current.append(line)
    return found


def missing(files: dict[str, dict]) -> list[str]:
    return [
        f"{code} {ref}"
        for code, refs in rows().items()
        if code != "record"
        for ref in refs
        if ref not in {clause["ref"] for clause in files.get(code, {"clauses": []})["clauses"]}
    ]


def test_every_row_of_every_regime_is_in_its_file():
    counted = {code: len(refs) for code, refs in rows().items() if code != "record"}

    assert missing(FILES) == []
    assert counted == {"sr-26-2": 26, "sr-11-7": 25, "ss1-23": 23, "e-23": 30, "ai-act": 26, "ecb-internal-models": 19}
    assert {code: len(FILES[code]["clauses"]) for code in counted} == counted


def test_a_row_that_a_file_loses_is_missed():
    lost = FILES | {"ss1-23": FILES["ss1-23"] | {"clauses": FILES["ss1-23"]["clauses"][1:]}}

    assert missing(lost) == ["ss1-23 1.1"]


def test_each_regime_has_one_file_and_no_ref_twice():
    refs = {code: [clause["ref"] for clause in content["clauses"]] for code, content in FILES.items()}

    assert len(FILES) == len(list(framework_files())) == 10
    assert {code for code, listed in refs.items() if len(set(listed)) < len(listed)} == set()
    assert {content["status"] for content in FILES.values()} <= set(Framework.Force.values)


def test_what_was_not_read_in_the_source_asks_to_be_checked():
    clauses = [clause for content in FILES.values() for clause in content["clauses"]]

    assert {clause["mark"] for clause in clauses} == set(Mark.values)
    assert [
        clause["ref"]
        for clause in clauses
        if (clause["mark"] in UNCHECKED) != ("heck against" in clause.get("note", ""))
    ] == []


def test_refs_that_the_regulator_did_not_give_are_called_the_portals():
    assert FILES["sr-26-2"]["refs_are_ours"]
    assert "portal reference" in FILES["sr-26-2"]["note"]


def test_the_rescinded_letter_maps_to_rows_of_the_one_that_followed():
    following = {clause["ref"] for clause in FILES["sr-26-2"]["clauses"]}
    maps = [ref for clause in FILES["sr-11-7"]["clauses"] for ref in clause["maps_to"]]

    assert FILES["sr-11-7"]["status"] == "rescinded"
    assert maps
    assert set(maps) <= following


@pytest.mark.parametrize("code", FILES)
def test_a_file_holds_what_its_page_shows(code):
    assert {"code", "version", "name", "short_name", "authority", "jurisdiction", "status", "mark"} <= set(FILES[code])
