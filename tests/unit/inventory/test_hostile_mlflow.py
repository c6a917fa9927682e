"""A server that calls itself MLflow and means harm: every answer it gives ends in a sentence, within limits."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from inventory import effects
from inventory.effects import Allowance, ArtefactUnavailable, MlflowServer

URI = "models:/credit/3"
LIST, STORE = "/api/2.0/mlflow-artifacts/artifacts", "mlflow-artifacts:/1/models/m-1/artifacts"


class Hostile:
    """Answers of one server, by path: bytes, an iterator of bytes (sent piece by piece) or (status, headers, bytes)."""

    def __init__(self):
        self.answers = {"/api/2.0/mlflow/model-versions/get-download-uri": plain({"artifact_uri": STORE})}
        self.asked: list[str] = []

    def answer(self, path: str):
        self.asked.append(path)
        parts = urlsplit(path)
        found = self.answers.get(parts.path)
        return found(parse_qs(parts.query)) if callable(found) else found


def plain(answer: object) -> bytes:
    return json.dumps(answer).encode()


def listing(*names: str, folders: tuple[str, ...] = ()) -> bytes:
    files = [{"path": name, "is_dir": False} for name in names] + [{"path": f, "is_dir": True} for f in folders]
    return plain({"files": files})


@pytest.fixture
def hostile():
    script = Hostile()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            found = script.answer(self.path)
            status, headers, body = (
                found if isinstance(found, tuple) else (200 if found is not None else 404, {}, found)
            )
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for piece in [body] if isinstance(body, bytes) else body or []:
                    self.wfile.write(piece)
                    self.wfile.flush()
            except (BrokenPipeError, ConnectionResetError):
                pass

        def log_message(self, *_arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    script.url = f"http://127.0.0.1:{server.server_port}"
    yield script
    server.shutdown()
    server.server_close()


@pytest.fixture
def fetch(hostile, tmp_path):
    def fetch(**allowed) -> None:
        MlflowServer(hostile.url, Allowance(**allowed)).fetch(URI, tmp_path)

    return fetch


def test_an_artefact_comes_whole(hostile, fetch, tmp_path):
    hostile.answers[LIST] = lambda query: (
        listing("data/x") if query["path"][0].endswith("data") else listing("MLmodel", folders=("data",))
    )
    hostile.answers[f"{LIST}/1/models/m-1/artifacts/MLmodel"] = b"flavors: {}"
    hostile.answers[f"{LIST}/1/models/m-1/artifacts/data/x"] = b"1"

    fetch()

    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()) == ["MLmodel", "data/x"]


def test_a_redirect_is_not_followed(hostile, fetch):
    hostile.answers[LIST] = (302, {"Location": f"{hostile.url}/elsewhere"}, b"")
    hostile.answers["/elsewhere"] = listing("MLmodel")

    with pytest.raises(ArtefactUnavailable, match="answers 302"):
        fetch()

    assert "/elsewhere" not in hostile.asked


@pytest.mark.parametrize(
    "place",
    ["file:///etc", "s3://bucket/key", "http://127.0.0.1:1/x", "mlflow-artifacts:/1/../../other", ""],
)
def test_an_artefact_that_lies_elsewhere_is_not_fetched(hostile, fetch, place):
    hostile.answers["/api/2.0/mlflow/model-versions/get-download-uri"] = plain({"artifact_uri": place})

    with pytest.raises(ArtefactUnavailable, match="which this portal does not read"):
        fetch()

    assert len(hostile.asked) == 1


@pytest.mark.parametrize("name", ["..", ".", "", "a\0b", "x/.."])
def test_a_name_that_is_no_file_name_is_refused(hostile, fetch, tmp_path, name):
    hostile.answers[LIST] = listing(name)

    with pytest.raises(ArtefactUnavailable, match="that is no file name"):
        fetch()

    assert not list(tmp_path.iterdir())


def test_a_name_with_folders_of_its_own_stays_inside(hostile, fetch, tmp_path):
    hostile.answers[LIST] = listing("../../etc/passwd")
    hostile.answers[f"{LIST}/1/models/m-1/artifacts/passwd"] = b"x"

    fetch()

    assert [path.name for path in tmp_path.rglob("*")] == ["passwd"]


def test_a_file_beyond_the_size_limit_ends_the_fetch(hostile, fetch, monkeypatch):
    monkeypatch.setattr(effects, "LARGEST_ARTEFACT", 1 << 20)
    hostile.answers[LIST] = listing("huge")
    hostile.answers[f"{LIST}/1/models/m-1/artifacts/huge"] = (200, {}, (b"x" * 65_536 for _ in range(10_000)))

    with pytest.raises(ArtefactUnavailable, match="larger than"):
        fetch()


def test_many_small_files_count_together(hostile, fetch, monkeypatch):
    monkeypatch.setattr(effects, "LARGEST_ARTEFACT", 1_000)
    hostile.answers[LIST] = listing(*(f"part{n}" for n in range(20)))
    for n in range(20):
        hostile.answers[f"{LIST}/1/models/m-1/artifacts/part{n}"] = b"x" * 100

    with pytest.raises(ArtefactUnavailable, match="larger than"):
        fetch()


def test_more_files_than_a_model_has_end_the_fetch(hostile, fetch, monkeypatch):
    monkeypatch.setattr(effects, "MOST_FILES", 10)
    hostile.answers[LIST] = listing(*(f"part{n}" for n in range(11)))
    for n in range(11):
        hostile.answers[f"{LIST}/1/models/m-1/artifacts/part{n}"] = b"x"

    with pytest.raises(ArtefactUnavailable, match="more than 10 files"):
        fetch()


def test_folders_without_end_use_up_the_requests(hostile, fetch):
    hostile.answers[LIST] = lambda query: listing(folders=("left", "right"))

    with pytest.raises(ArtefactUnavailable, match=r"more requests to read|nested more than 20 deep"):
        fetch(requests=100)

    assert len(hostile.asked) <= 101


def test_a_wide_tree_uses_up_the_requests(hostile, fetch):
    hostile.answers[LIST] = lambda query: (
        listing(folders=tuple(f"f{n}" for n in range(500))) if query["path"][0].endswith("artifacts") else listing()
    )

    with pytest.raises(ArtefactUnavailable, match="more requests to read"):
        fetch(requests=100)


@pytest.mark.parametrize("where", ["listing", "file"])
def test_a_server_that_drips_ends_in_a_sentence(hostile, fetch, where):
    def drip():
        for _ in range(600):
            yield b" "
            time.sleep(0.05)

    hostile.answers[LIST] = (200, {}, drip()) if where == "listing" else listing("slow")
    hostile.answers[f"{LIST}/1/models/m-1/artifacts/slow"] = (200, {}, drip())

    with pytest.raises(ArtefactUnavailable, match=r"took more than 0\.5 s"):
        fetch(seconds=0.5)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"\xff\xfe", b"null", b'{"files": ["a"]}', b'{"files": 3}'])
def test_an_answer_that_is_no_json_object_is_refused(hostile, fetch, body):
    hostile.answers[LIST] = body

    with pytest.raises(ArtefactUnavailable, match=r"The MLflow server's (answer|list of files) is not"):
        fetch()


def test_a_listing_without_end_is_cut(hostile, fetch, monkeypatch):
    monkeypatch.setattr(effects, "LARGEST_ANSWER", 100_000)
    hostile.answers[LIST] = (200, {}, (b" " * 65_536 for _ in range(10_000)))

    with pytest.raises(ArtefactUnavailable, match=r"answers .* with more than"):
        fetch()
