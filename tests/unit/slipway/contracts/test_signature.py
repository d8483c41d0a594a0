"""A signature travels as JSON and comes back the same."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from models.flight_delay import contract
from slipway.contracts.derivation import derive
from slipway.contracts.signature import Field, as_json, from_json

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
