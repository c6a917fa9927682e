"""What the portal reads from an MLflow server: untrusted, over REST, within limits, from the one configured host."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import httpx
from django.conf import settings

LARGEST_ARTEFACT = 2 * 1024**3
MOST_FILES = 5_000
MOST_REQUESTS = 2 * MOST_FILES  # of one fetch: each folder is one, each file another
FETCH_SECONDS = 1_200  # below the task's hard limit, so that a server that drips ends in a sentence
LARGEST_ANSWER = 4 * 1024**2
TIMEOUT = httpx.Timeout(10.0, read=60.0)
MODEL_URI = re.compile(r"^models:/(?P<name>[^/]{1,250})/(?P<version>[0-9]{1,9})$")
LOGGED_MODEL_URI = re.compile(r"^models:/(?P<id>m-[0-9a-f]{8,64})$")


class ArtefactUnavailable(Exception):
    """The artefact cannot be fetched; the sentence says why and what to do."""


def check_uri(uri: str) -> str | None:
    """A sentence about what is wrong with an MLflow URI, or None."""
    if MODEL_URI.match(uri) or LOGGED_MODEL_URI.match(uri):
        return None
    return f"Give a registered version as models:/NAME/NUMBER, or a logged model as models:/m-…; got {uri[:120]!r}."


class Allowance:
    """What one fetch may take of time and requests, whatever the server sends and however slowly."""

    def __init__(self, seconds: float = FETCH_SECONDS, requests: int = MOST_REQUESTS):
        self._seconds, self._until, self._requests = seconds, time.monotonic() + seconds, requests

    def take_request(self) -> None:
        """Raises ArtefactUnavailable where no request, or no time, is left."""
        self._requests -= 1
        if self._requests < 0:
            raise ArtefactUnavailable("The artefact's folders take more requests to read than this portal makes.")
        self.check_time()

    def check_time(self) -> None:
        if time.monotonic() > self._until:
            raise ArtefactUnavailable(
                f"The MLflow server took more than {self._seconds:g} s to hand the artefact over. Look at its load and"
                " at the artefact's size, then ask for the digest again."
            )


@dataclass
class MlflowServer:
    """One MLflow tracking server, read with httpx: no redirects, no client library, sizes and times bounded."""

    base_url: str
    allowance: Allowance = field(default_factory=Allowance)

    @classmethod
    def configured(cls) -> MlflowServer:
        if not settings.MLFLOW_TRACKING_URI:
            raise ArtefactUnavailable("No MLflow server is configured: set MLFLOW_TRACKING_URI and try again.")
        return cls(settings.MLFLOW_TRACKING_URI.rstrip("/"))

    def fetch(self, uri: str, folder: Path) -> None:
        """Download the artefact that `uri` names into `folder`. Raises ArtefactUnavailable."""
        root = self._artifact_root(uri)
        left, count = LARGEST_ARTEFACT, 0
        with self._client() as client:
            for path in self._walk(client, root):
                count += 1
                if count > MOST_FILES:
                    raise ArtefactUnavailable(f"The artefact of {uri} has more than {MOST_FILES} files.")
                left -= self._download(client, root, path, folder, left)

    def _artifact_root(self, uri: str) -> PurePosixPath:
        """Path below the server's artefact store. Model URIs lead to logged models, which know where they lie."""
        with self._client() as client:
            if match := MODEL_URI.match(uri):
                answer = self._get(client, "/api/2.0/mlflow/model-versions/get-download-uri", **match.groupdict())
                uri_there = str(answer.get("artifact_uri", ""))
            else:
                uri_there = uri
            if match := LOGGED_MODEL_URI.match(uri_there):
                answer = self._get(client, f"/api/2.0/mlflow/logged-models/{match['id']}")
                uri_there = str(answer.get("model", {}).get("info", {}).get("artifact_uri", ""))
        parts = urlsplit(uri_there)
        if parts.scheme != "mlflow-artifacts" or ".." in PurePosixPath(parts.path).parts:
            raise ArtefactUnavailable(
                f"{uri} lies at {uri_there[:120]!r}, which this portal does not read. Let the MLflow server serve its"
                " artefacts (mlflow server --serve-artifacts), so that they are reached through it."
            )
        return PurePosixPath(parts.path.lstrip("/"))

    def _walk(self, client: httpx.Client, root: PurePosixPath):
        """Files below `root`, as paths relative to it."""
        folders = [PurePosixPath()]
        while folders:
            folder = folders.pop()
            answer = self._get(client, "/api/2.0/mlflow-artifacts/artifacts", path=str(root / folder))
            for item in _listed(answer):
                name = PurePosixPath(str(item.get("path", ""))).name
                if not name or name in (".", "..") or "\x00" in name:
                    raise ArtefactUnavailable(f"The MLflow server names a file {name!r}; that is no file name.")
                path = folder / name
                if len(path.parts) > 20:
                    raise ArtefactUnavailable("The artefact's folders are nested more than 20 deep.")
                if item.get("is_dir"):
                    folders.append(path)
                else:
                    yield path

    def _download(self, client, root: PurePosixPath, path: PurePosixPath, folder: Path, most: int) -> int:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        size = 0
        url = f"/api/2.0/mlflow-artifacts/artifacts/{httpx.URL(path='/' + str(root / path)).raw_path.decode()[1:]}"
        self.allowance.take_request()
        try:
            with client.stream("GET", url) as answer, target.open("wb") as stream:
                self._check_status(answer, str(path))
                for chunk in answer.iter_bytes():
                    self.allowance.check_time()
                    size += len(chunk)
                    if size > most:
                        raise ArtefactUnavailable(
                            f"The artefact is larger than the {LARGEST_ARTEFACT // 1024**3} GiB that this portal reads."
                        )
                    stream.write(chunk)
        except httpx.HTTPError as problem:
            raise self._away(problem) from problem
        return size

    def _get(self, client: httpx.Client, path: str, /, **query: str) -> dict:
        self.allowance.take_request()
        try:
            with client.stream("GET", path, params=query) as answer:
                body = b""
                for chunk in answer.iter_bytes():
                    self.allowance.check_time()
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise ArtefactUnavailable(f"The MLflow server answers {path} with more than 4 MiB.")
                self._check_status(answer, query.get("path") or query.get("name") or path)
        except httpx.HTTPError as problem:
            raise self._away(problem) from problem
        return _json_object(body)

    def _check_status(self, answer: httpx.Response, what: str) -> None:
        if answer.status_code == 404:
            raise ArtefactUnavailable(f"The MLflow server has no {what!r}. Was it deleted, or is the URI mistyped?")
        if answer.status_code != 200:
            raise ArtefactUnavailable(f"The MLflow server answers {answer.status_code} for {what!r}.")

    def _away(self, problem: httpx.HTTPError) -> MlflowAway:
        return MlflowAway(f"The MLflow server at {self.base_url} does not answer ({type(problem).__name__}).")

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self.base_url, timeout=TIMEOUT, follow_redirects=False, trust_env=False)


class MlflowAway(Exception):
    """The server does not answer now; trying again may help."""


def _listed(answer: dict) -> list[dict]:
    items = answer.get("files", [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ArtefactUnavailable("The MLflow server's list of files is not one.")
    return items


def _json_object(body: bytes) -> dict:
    try:
        answer = json.loads(body)
    except ValueError as problem:
        raise ArtefactUnavailable("The MLflow server's answer is not JSON.") from problem
    if not isinstance(answer, dict):
        raise ArtefactUnavailable("The MLflow server's answer is not an object.")
    return answer
