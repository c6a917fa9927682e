"""A sample keeps categories as text; the model is given the types that its signature names."""

import pyarrow as pa
import pytest

from monitoring.measures.samples import as_the_model_takes
from sandbox.explain import ExplanationRefused


def signature(**types: str) -> dict:
    return {"inputs": [{"name": name, "type": kind, "required": True} for name, kind in types.items()]}


def test_a_code_kept_as_text_becomes_the_number_that_the_model_was_trained_on():
    sample = pa.table({"education": ["2", None, "5"], "limit": [1.0, 2.0, 3.0]})

    given = as_the_model_takes(sample, signature(education="long", limit="double"))

    assert given.schema.field("education").type == pa.int64()
    assert given.column("education").to_pylist() == [2, None, 5]
    assert given.column("limit").to_pylist() == [1.0, 2.0, 3.0]


def test_columns_that_the_signature_does_not_name_stay_as_they_are():
    sample = pa.table({"channel": ["web", "branch"]})

    assert as_the_model_takes(sample, signature(channel="string")).equals(sample)
    assert as_the_model_takes(sample, signature(other="long")).equals(sample)
    assert as_the_model_takes(sample, None).equals(sample)


def test_a_value_that_is_no_such_number_refuses_the_explanation_with_the_column():
    sample = pa.table({"education": ["2", "university"]})

    with pytest.raises(ExplanationRefused, match="takes education as long"):
        as_the_model_takes(sample, signature(education="long"))
