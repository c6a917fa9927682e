"""What a run may hand out, and each way in which it is refused."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import numpy as np
import pytest

from sandbox.explanation import ExplanationTarget
from sandbox.handed_out import ExplanationRefused, Numbers, Refusal, check_link

LOGIT = ExplanationTarget("sklearn", "predict_proba", 1, "logit")


def honest() -> tuple[dict[str, np.ndarray], dict]:
    """Three rows of log-odds 1, of which the base is 0.2 and each of two features 0.4."""
    arrays = {
        "shap": np.full((3, 2), 0.4),
        "margins": np.ones(3),
        "scores": 1 / (1 + np.exp(-np.ones(3))),
        "rows": np.arange(3),
    }
    facts = {"method": "m", "detail": "", "base": 0.2, "features": ["income", "age"], "versions": {"shap": "0.54"}}
    return arrays, facts


def handed_out(arrays: dict, facts: object) -> dict[str, bytes]:
    files = {"facts.json": json.dumps(facts).encode()}
    for name, values in arrays.items():
        stream = io.BytesIO()
        np.save(stream, values, allow_pickle=True)
        files[f"{name}.npy"] = stream.getvalue()
    return files


def read(files: dict[str, bytes], target: ExplanationTarget = LOGIT) -> Numbers:
    numbers = Numbers(files, rows=3, features=["age", "income"])
    check_link(numbers, target)
    return numbers


def test_honest_output_is_read():
    numbers = read(handed_out(*honest()))

    assert numbers.features == ("income", "age")
    assert numbers.additivity_error < 1e-12
    assert numbers.versions == {"shap": "0.54"}


def test_fewer_rows_may_be_explained_than_are_scored():
    arrays, facts = honest()
    arrays |= {"rows": np.array([0, 2]), "shap": np.full((2, 2), 0.4), "margins": np.ones(2)}

    assert read(handed_out(arrays, facts)).rows.tolist() == [0, 2]


def change(**arrays) -> Callable[[dict, dict], object]:
    return lambda found, facts: found.update(arrays)


def claim(**claims) -> Callable[[dict, dict], object]:
    return lambda found, facts: facts.update(claims)


@pytest.mark.parametrize(
    ("lie", "refusal"),
    [
        (change(shap=np.array([[0.4, 0.4], [0.4, np.nan], [0.4, 0.4]])), Refusal.NOT_FINITE),
        (change(scores=np.array([np.inf, 0, 0])), Refusal.NOT_FINITE),
        (change(margins=np.array([np.nan, 1, 1])), Refusal.NOT_FINITE),
        (claim(base=float("nan")), Refusal.NOT_FINITE),
        (change(shap=np.full((3, 2), 0.4 + 6e-5)), Refusal.NOT_ADDITIVE),
        (change(scores=np.full(3, 0.7)), Refusal.NOT_ADDITIVE),
        (change(shap=np.zeros((3, 3))), Refusal.BAD_OUTPUT),
        (change(shap=np.asfortranarray(np.full((3, 2), 0.4))), Refusal.BAD_OUTPUT),
        (change(scores=np.zeros(2)), Refusal.BAD_OUTPUT),
        (change(scores=np.zeros(3, dtype="f4")), Refusal.BAD_OUTPUT),
        (change(scores=np.zeros(3, dtype=">f8")), Refusal.BAD_OUTPUT),
        (change(scores=np.array([None] * 3)), Refusal.BAD_OUTPUT),
        (change(rows=np.array([0, 1, 3])), Refusal.BAD_OUTPUT),
        (change(rows=np.array([-1, 0, 1])), Refusal.BAD_OUTPUT),
        (change(rows=np.array([0, 1, 1])), Refusal.BAD_OUTPUT),
        (change(rows=np.arange(0), shap=np.zeros((0, 2)), margins=np.zeros(0)), Refusal.BAD_OUTPUT),
        (change(more=np.ones(3)), Refusal.BAD_OUTPUT),
        (lambda found, facts: found.pop("rows"), Refusal.BAD_OUTPUT),
        (claim(features=["income", "password"]), Refusal.BAD_OUTPUT),
        (claim(features=["income", "income"]), Refusal.BAD_OUTPUT),
        (claim(features=[]), Refusal.BAD_OUTPUT),
        (claim(base="0.2"), Refusal.BAD_OUTPUT),
        (claim(base=True), Refusal.BAD_OUTPUT),
        (claim(versions=["shap"]), Refusal.BAD_OUTPUT),
    ],
)
def test_a_lie_is_refused_by_its_kind(lie, refusal):
    arrays, facts = honest()
    lie(arrays, facts)

    with pytest.raises(ExplanationRefused) as refused:
        read(handed_out(arrays, facts))

    assert refused.value.refusal is refusal


def test_an_error_just_within_the_allowed_one_is_taken():
    arrays, facts = honest()
    arrays["shap"] += 4e-5

    assert read(handed_out(arrays, facts)).additivity_error == pytest.approx(8e-5)


def test_on_the_identity_link_margins_must_be_the_scores():
    with pytest.raises(ExplanationRefused, match="not the identity of the score"):
        read(handed_out(*honest()), ExplanationTarget("sklearn", "predict_proba", 1, "identity"))


@pytest.mark.parametrize(
    "data", [b"", b"\x93NUMPY", b"PK\x03\x04", b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 60000], ids=range(4)
)
def test_bytes_that_are_no_array_are_refused(data):
    with pytest.raises(ExplanationRefused, match=r"scores\.npy is not a NumPy file"):
        read(handed_out(*honest()) | {"scores.npy": data})


def test_a_header_that_promises_more_than_there_is_allocates_nothing():
    files = handed_out(*honest())
    files["rows.npy"] = files["rows.npy"].replace(b"(3,)", b"(3000000000000,)")

    with pytest.raises(ExplanationRefused) as refused:
        read(files)

    assert refused.value.refusal is Refusal.BAD_OUTPUT


@pytest.mark.parametrize("facts", [b"", b"[1]", b"[" * 100_000, b"{" + b" " * (1 << 20) + b"}"], ids=range(4))
def test_facts_that_are_no_small_object_are_refused(facts):
    with pytest.raises(ExplanationRefused) as refused:
        read(handed_out(*honest()) | {"facts.json": facts})

    assert refused.value.refusal is Refusal.BAD_OUTPUT


def test_a_pickle_inside_an_array_is_never_opened(tmp_path):
    class Opens:
        def __reduce__(self):
            return open, (str(tmp_path / "opened"), "w")

    arrays, facts = honest()
    arrays["scores"] = np.array([Opens()] * 3, dtype=object)

    with pytest.raises(ExplanationRefused):
        read(handed_out(arrays, facts))

    assert not (tmp_path / "opened").exists()
