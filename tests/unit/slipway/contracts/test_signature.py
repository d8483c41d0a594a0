"""A signature travels as JSON and comes back the same."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.flight_delay import contract
from slipway.contracts.derivation import derive
from slipway.contracts.signature import Field, as_json, from_json, in_words

NUMBER = st.none() | st.floats(allow_nan=False, allow_infinity=False)
FIELDS = st.builds(
    Field, st.text(min_size=1), st.sampled_from(["integer", "number", "string"]), st.booleans(), NUMBER, NUMBER,
    st.none() | st.lists(st.text(), max_size=4).map(tuple), st.none() | st.text(min_size=1), NUMBER, st.text(),
    st.text(), st.sampled_from([None, "dropped", "tokenised"]),
)  # fmt: skip


@given(st.lists(FIELDS, max_size=5))
def test_there_and_back(fields: list[Field]) -> None:
    assert from_json(json.loads(json.dumps(as_json(fields)))) == fields


def test_rules_that_are_not_set_are_left_out() -> None:
    assert as_json([Field("x", "number")]) == [{"name": "x", "kind": "number", "nullable": False}]


def test_a_bound_of_zero_is_a_rule() -> None:
    assert as_json([Field("x", "number", minimum=0.0)])[0]["minimum"] == 0.0


def test_the_reference_model_s_signature() -> None:
    fields = derive(contract.RAW)
    assert len(fields) > 20
    assert from_json(as_json(fields)) == fields


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (Field("x", "number"), "number"),
        (Field("x", "number", minimum=0.0, unit="mm"), "number from 0 mm"),
        (Field("x", "number", maximum=2.5), "number up to 2.5"),
        (Field("x", "integer", True, 1, 12, unit="h"), "integer from 1 to 12 h, or null"),
        (Field("x", "number", minimum=0, maximum=9, multiple_of=0.5), "number from 0 to 9, multiple of 0.5"),
        (Field("x", "string", allowed=("a", "b")), "string, one of a, b"),
        (Field("x", "string", pattern="^[A-Z]$"), "string that matches ^[A-Z]$"),
    ],
)
def test_in_words(field: Field, said: str) -> None:
    assert in_words(field) == said
