"""Pickles that attack while they are loaded, and output that lies: each ends in a refusal with a sentence."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from sandbox.explain import explain
from sandbox.explanation import ExplanationTarget
from sandbox.handed_out import ExplanationRefused, Refusal
from sandbox.limits import MIB, Limits
from sandbox.outcomes import Failed, Killed, OutputTooLarge, TimedOut

TARGET = ExplanationTarget("sklearn", "predict_proba", 1, "logit")
LIMITS = Limits(address_bytes=1024 * MIB, output_bytes=MIB)
TABLE = pa.table({"income": [1.0, 2.0, 3.0], "age": [30.0, 40.0, 50.0]})
MLMODEL = """
flavors:
  sklearn: {pickled_model: model.pkl, serialization_format: cloudpickle, sklearn_version: 1.9.1, code: null}
"""
# What an honest run would leave for TABLE: log-odds 1, of which the base is 0.2 and each feature 0.4.
HONEST = """
import json, os, numpy as np
files = {
    "shap": np.full((3, 2), 0.4), "margins": np.ones(3), "scores": 1 / (1 + np.exp(-np.ones(3))),
    "rows": np.arange(3),
}
facts = {"method": "m", "detail": "", "base": 0.2, "features": ["income", "age"], "versions": {}}
"""
HAND_OUT = """
for name, values in files.items():
    np.save(f"/out/{name}.npy", values, allow_pickle=True)
open("/out/facts.json", "w").write(json.dumps(facts))
os._exit(0)
"""


class Payload:
    """Pickles as a call of exec with the given source."""

    def __init__(self, source: str):
        self.source = textwrap.dedent(source)

    def __reduce__(self):
        return exec, (self.source,)


@pytest.fixture
def attack(tmp_path: Path) -> Callable[..., object]:
    """Save a model whose pickle runs `source`, and explain it."""

    def explain_hostile(source: str, *, seconds: float = 90, limits: Limits = LIMITS):
        folder = _hostile_model(tmp_path, source)
        return explain(
            folder,
            sample=TABLE,
            background=TABLE,
            target=TARGET,
            seed=1,
            budget_seconds=seconds,
            logged_scores=[0.5] * 3,
            row_ids=[1, 2, 3],
            limits=limits,
        )

    return explain_hostile


def _hostile_model(root: Path, source: str) -> Path:
    folder = root / "hostile"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    (folder / "MLmodel").write_text(MLMODEL)
    (folder / "model.pkl").write_bytes(pickle.dumps(Payload(source)))
    return folder


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("print(open('/etc/passwd').read())", "No such file or directory: '/etc/passwd'"),
        ("print(open('/etc/shadow').read())", "No such file or directory: '/etc/shadow'"),
        ("import os; print(os.environ['DATABASE_PASSWORD'])", "KeyError: 'DATABASE_PASSWORD'"),
        ("import socket; socket.create_connection(('127.0.0.1', {port}))", "Network is unreachable|refused"),
        ("import urllib.request as r; r.urlopen('http://127.0.0.1:{port}')", "URLError|refused"),
        ("open('/model/model.pkl', 'wb').write(b'other')", "Read-only file system: '/model/model.pkl'"),
        ("open('/in/sample.arrow', 'wb')", "Read-only file system"),
        ("import subprocess; subprocess.run(['/bin/sh', '-c', 'id'])", "No such file or directory: '/bin/sh'"),
        ("raise ValueError('<script>alert(1)</script>')", "<script>alert"),
    ],
    ids=["accounts", "shadow", "secret", "socket", "http", "own file", "input", "shell", "markup"],
)
def test_an_attack_while_loading_gets_nothing_and_is_told(attack, monkeypatch, source, sentence):
    import socket

    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")

    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(ExplanationRefused, match=sentence) as refused,
    ):
        attack(source.replace("{port}", str(server.getsockname()[1])))

    assert refused.value.refusal is Refusal.RUN_FAILED
    assert isinstance(refused.value.outcome, Failed)
    assert "hunter2" not in str(refused.value.outcome)


def test_twin_loaded_without_the_sandbox_the_same_pickle_reads_the_accounts(tmp_path):
    folder = _hostile_model(tmp_path, "print(open('/etc/passwd').read())")

    loaded = subprocess.run(
        [sys.executable, "-c", f"import pickle; pickle.load(open({str(folder / 'model.pkl')!r}, 'rb'))"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "root:" in loaded.stdout


@pytest.mark.parametrize(
    ("source", "seconds", "outcome"),
    [
        ("held = [bytearray(1 << 28) for _ in range(64)]", 90, Killed),
        ("while True: pass", 2, TimedOut),
        ("import time; time.sleep(600)", 2, TimedOut),
        ("while True: print('x' * (1 << 20))", 90, OutputTooLarge),
        ("open('/out/scores.npy', 'wb').write(bytes(1 << 24))", 90, OutputTooLarge),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", 90, Failed),
    ],
    ids=["memory", "computes", "sleeps", "prints", "writes", "crashes"],
)
def test_a_model_that_takes_too_much_is_stopped_and_told(attack, source, seconds, outcome):
    with pytest.raises(ExplanationRefused, match="model's run") as refused:
        attack(source, seconds=seconds)

    assert refused.value.refusal is Refusal.RUN_FAILED
    assert isinstance(refused.value.outcome, outcome)


def test_numbers_that_add_up_are_taken_and_marked_as_loaded_by_code(attack):
    found = attack(HONEST + HAND_OUT)

    assert found.loaded_by_code
    assert found.shap_values.tolist() == [[0.4, 0.4]] * 3
    assert found.additivity_error == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("lie", "refusal"),
    [
        ("files['shap'][1, 1] = np.nan", Refusal.NOT_FINITE),
        ("files['scores'] = np.array([print] * 3, dtype=object)", Refusal.BAD_OUTPUT),
    ],
)
def test_output_that_lies_is_refused(attack, lie, refusal):
    with pytest.raises(ExplanationRefused) as refused:
        attack(f"{HONEST}\n{lie}\n{HAND_OUT}")

    assert refused.value.refusal is refusal


def test_a_refusal_from_inside_is_shown_as_plain_short_text(attack):
    with pytest.raises(ExplanationRefused) as refused:
        attack(
            """
            import json, os
            open("/out/refusal.json", "w").write(json.dumps({"detail": "\\x1b[2Jlook\\n" + "x" * 900}))
            os._exit(0)
            """
        )

    assert refused.value.refusal is Refusal.NOT_EXPLAINABLE
    assert "\x1b" not in refused.value.sentence
    assert len(refused.value.sentence) < 400


def test_a_link_in_the_artefact_is_refused_before_anything_runs(tmp_path):
    folder = _hostile_model(tmp_path, "pass")
    (folder / "weights.bin").symlink_to("/etc/shadow")

    with pytest.raises(ExplanationRefused, match="symbolic link"):
        explain(
            folder,
            sample=TABLE,
            background=TABLE,
            target=TARGET,
            seed=1,
            budget_seconds=5,
            logged_scores=np.zeros(3),
            row_ids=[1, 2, 3],
        )


def test_processes_beyond_the_limit_cannot_be_started(attack):
    with pytest.raises(ExplanationRefused, match="Resource temporarily unavailable"):
        attack(
            """
            import os, time
            while True:
                if os.fork() == 0:
                    time.sleep(600)
            """,
            limits=replace(LIMITS, processes=16),
        )
