"""What an explaining run handed out: checked for presence, type, shape, finiteness and additivity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum

import numpy as np

from .arrays import BadArray, read_array
from .explanation import ExplanationTarget, additivity_error
from .outcomes import Outcome

LARGEST_ADDITIVITY_ERROR = 1e-4
FILES = {"scores.npy", "margins.npy", "shap.npy", "rows.npy", "facts.json"}
# The score and the margin are computed apart, at times in 32-bit floats.
_SCORE_TOLERANCE = 1e-5
_FACTS_BYTES = 1 << 20


class Refusal(StrEnum):
    """Why there is no explanation."""

    DIGEST_CHANGED = "digest changed"
    UNREADABLE_MODEL = "unreadable model"
    MISSING_COLUMNS = "missing columns"
    EMPTY_SAMPLE = "empty sample"
    NOT_EXPLAINABLE = "not explainable"
    RUN_FAILED = "run failed"
    BAD_OUTPUT = "bad output"
    NOT_FINITE = "not finite"
    NOT_ADDITIVE = "not additive"


class ExplanationRefused(RuntimeError):
    """No explanation: `refusal` says which kind, the message says it to a person.

    `outcome` is how the run ended where one was started.
    """

    def __init__(self, refusal: Refusal, sentence: str, outcome: Outcome | None = None):
        super().__init__(sentence)
        self.refusal, self.sentence, self.outcome = refusal, sentence, outcome


class Numbers:
    """What the run handed out, each part checked for presence, type, shape and size."""

    def __init__(self, files: Mapping[str, bytes], *, rows: int, features: list[str]):
        if set(files) == {"refusal.json"}:
            detail = _json_object("refusal.json", files["refusal.json"]).get("detail")
            raise ExplanationRefused(Refusal.NOT_EXPLAINABLE, f"The model cannot be explained: {_words(detail)}.")
        if set(files) != FILES:
            raise _bad(f"it left the files {', '.join(sorted(files)) or 'none'}")
        facts = _json_object("facts.json", files["facts.json"])
        self.features = _features_of(facts, features)
        self.method, self.detail = _words(facts.get("method")), _words(facts.get("detail"))
        self.versions = _versions_of(facts)
        self.base = facts.get("base")
        if type(self.base) is not float:
            raise _bad("its base value is not a number")
        try:
            self._read_arrays(files, rows)
        except BadArray as error:
            raise _bad(str(error)) from error
        self._check_finite()
        self.additivity_error = additivity_error(self.shap_values, self.base, self.margins)

    def _read_arrays(self, files: Mapping[str, bytes], rows: int) -> None:
        self.scores = read_array("scores.npy", files["scores.npy"], dtype="<f8", shape=(rows,))
        self.rows = read_array("rows.npy", files["rows.npy"], dtype="<i8", shape=(None,))
        explained = len(self.rows)
        self.margins = read_array("margins.npy", files["margins.npy"], dtype="<f8", shape=(explained,))
        shape = (explained, len(self.features))
        self.shap_values = read_array("shap.npy", files["shap.npy"], dtype="<f8", shape=shape)
        ascending = np.all(np.diff(self.rows) > 0)
        if not explained or not ascending or self.rows[0] < 0 or self.rows[-1] >= rows:
            raise BadArray("rows.npy does not name rows of the sample in ascending order")

    def _check_finite(self) -> None:
        for name in ("scores", "margins", "shap_values", "base"):
            bad = int((~np.isfinite(getattr(self, name))).sum())
            if bad:
                raise ExplanationRefused(
                    Refusal.NOT_FINITE,
                    f"The model gave {bad} {name.replace('_', ' ')} that are not finite numbers. "
                    "Look at how it treats missing and extreme values.",
                )


def check_link(numbers: Numbers, target: ExplanationTarget) -> None:
    """Contributions must add up to the margin, and the margin must be the score on the named scale."""
    if numbers.additivity_error > LARGEST_ADDITIVITY_ERROR:
        raise _not_additive("its contributions miss the model's answer", numbers.additivity_error)
    with np.errstate(over="ignore"):
        scores = 1 / (1 + np.exp(-numbers.margins)) if target.link == "logit" else numbers.margins
    off = np.abs(scores - numbers.scores[numbers.rows])
    allowed = _SCORE_TOLERANCE * np.maximum(1, np.abs(scores))
    if (off > allowed).any():
        raise _not_additive(f"what it explains is not the {target.link} of the score", float(off.max()))


def _not_additive(what: str, error: float) -> ExplanationRefused:
    return ExplanationRefused(
        Refusal.NOT_ADDITIVE,
        f"The explanation was refused: {what} by up to {error:.2g}. "
        "Check that the monitor's target names the output and the link of this model.",
    )


def _features_of(facts: dict, offered: list[str]) -> tuple[str, ...]:
    named = facts.get("features")
    if not isinstance(named, list) or not named or not all(isinstance(name, str) for name in named):
        raise _bad("it does not name its features")
    if len(set(named)) != len(named) or not set(named) <= set(offered):
        raise _bad("it names features that it was not given")
    return tuple(named)


def _versions_of(facts: dict) -> dict[str, str]:
    versions = facts.get("versions")
    if not isinstance(versions, dict) or len(versions) > 32:
        raise _bad("it does not name its libraries")
    return {_words(name): _words(version) for name, version in versions.items()}


def _json_object(name: str, data: bytes) -> dict:
    try:
        value = json.loads(data) if len(data) <= _FACTS_BYTES else None
    except (ValueError, RecursionError) as error:
        raise _bad(f"{name} is not JSON") from error
    if not isinstance(value, dict):
        raise _bad(f"{name} is too large or not an object")
    return value


def _words(text: object) -> str:
    """Text from inside as plain, short, printable words; markup in it stays text."""
    return "".join(c for c in text if c.isprintable())[:300] if isinstance(text, str) else ""


def _bad(reason: str) -> ExplanationRefused:
    return ExplanationRefused(
        Refusal.BAD_OUTPUT, f"The run's output was refused, since {reason}. Nothing of it was used."
    )
