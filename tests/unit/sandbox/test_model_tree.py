"""model-tree-v1: what counts, what does not, and what is refused."""

from __future__ import annotations

import hashlib
import os
import tracemalloc
from pathlib import Path

import pytest

from sandbox.model_tree import ModelTreeRefused, model_tree, model_tree_digest


@pytest.fixture
def artefact(tmp_path: Path) -> Path:
    folder = tmp_path / "artefact"
    (folder / "data").mkdir(parents=True)
    (folder / "MLmodel").write_bytes(b"flavors: {}\n")
    (folder / "data" / "model.bin").write_bytes(bytes(range(256)))
    return folder


def test_the_digest_follows_the_written_definition(artefact):
    def field(data: bytes) -> bytes:
        return len(data).to_bytes(8, "big") + data

    expected = hashlib.sha256(field(b"model-tree-v1") + field((2).to_bytes(8, "big")))
    for name in ("MLmodel", "data/model.bin"):
        content = (artefact / name).read_bytes()
        expected.update(field(name.encode()) + field(len(content).to_bytes(8, "big")))
        expected.update(field(hashlib.sha256(content).digest()))

    assert model_tree_digest(artefact) == expected.hexdigest()


def test_the_tree_lists_each_file_and_the_total_size(artefact):
    tree = model_tree(artefact)

    assert [(file.path, file.size) for file in tree.files] == [("MLmodel", 12), ("data/model.bin", 256)]
    assert tree.total_bytes == 268


def test_what_mlflow_adds_for_a_registered_model_does_not_count(artefact):
    before = model_tree_digest(artefact)

    (artefact / "registered_model_meta").write_text("model_name: card\nmodel_version: '3'\n")

    assert model_tree_digest(artefact) == before


def test_the_same_name_deeper_down_does_count(artefact):
    before = model_tree_digest(artefact)

    (artefact / "data" / "registered_model_meta").write_text("code")

    assert model_tree_digest(artefact) != before


def test_modes_times_and_empty_folders_do_not_count(artefact):
    before = model_tree_digest(artefact)

    (artefact / "empty").mkdir()
    (artefact / "MLmodel").chmod(0o600)
    os.utime(artefact / "MLmodel", (0, 0))

    assert model_tree_digest(artefact) == before


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "MLmodel").write_bytes(b"flavors: []\n"),
        lambda folder: (folder / "data" / "model.bin").rename(folder / "model.bin"),
        lambda folder: (folder / "extra.py").touch(),
        lambda folder: (folder / "MLmodel").unlink(),
    ],
    ids=["one byte", "moved", "an empty file more", "one file less"],
)
def test_any_change_of_the_files_changes_the_digest(artefact, change):
    before = model_tree_digest(artefact)

    change(artefact)

    assert model_tree_digest(artefact) != before


def test_names_are_ordered_by_their_bytes_not_by_folder(tmp_path):
    for name in ("b.txt", "b/a.txt", "B.txt", "é.txt", "z.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    paths = [file.path for file in model_tree(tmp_path).files]

    assert paths == ["B.txt", "b.txt", "b/a.txt", "z.txt", "é.txt"]


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda path: path.symlink_to("/etc/passwd"), "symbolic link"),
        (lambda path: path.symlink_to("/etc"), "symbolic link"),
        (os.mkfifo, "pipe"),
    ],
    ids=["link to a file", "link to a folder", "pipe"],
)
def test_links_and_special_files_are_refused_by_name(artefact, make, word):
    make(artefact / "data" / "odd")

    with pytest.raises(ModelTreeRefused, match=f"data/odd is a {word}"):
        model_tree(artefact)


def test_a_link_under_the_excluded_name_is_refused_too(artefact):
    (artefact / "registered_model_meta").symlink_to("/etc/passwd")

    with pytest.raises(ModelTreeRefused, match="registered_model_meta"):
        model_tree(artefact)


def test_a_name_that_is_not_utf8_is_refused(artefact):
    os.close(os.open(os.fsencode(artefact) + b"/bad-\xff", os.O_CREAT | os.O_WRONLY))

    with pytest.raises(ModelTreeRefused, match="UTF-8"):
        model_tree(artefact)


def test_an_empty_folder_has_no_digest(tmp_path):
    with pytest.raises(ModelTreeRefused, match="no file"):
        model_tree(tmp_path)


def test_a_missing_folder_is_an_error_and_not_an_empty_tree(tmp_path):
    with pytest.raises(FileNotFoundError):
        model_tree(tmp_path / "gone")


def test_a_large_file_is_hashed_in_little_memory(artefact):
    with (artefact / "weights.bin").open("wb") as file:
        file.truncate(256 << 20)

    tracemalloc.start()
    model_tree(artefact)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 8 << 20
