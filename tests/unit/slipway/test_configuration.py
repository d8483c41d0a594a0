"""params.yaml becomes typed parameters; tests/faults/test_params.py has all that is refused."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import ValidationError

from slipway import gates
from slipway.configuration import Gates, ModelParams, Train, load
from slipway.errors import UsageError


def test_values_have_the_types_that_the_code_expects(model_params: ModelParams) -> None:
    assert model_params.split.train_through == "2013-08"
    assert isinstance(model_params.train.lambda_l2, float)
    assert dataclasses.is_dataclass(model_params.gates.slices)
    assert isinstance(model_params.gates.slices.min_rows, int)


def test_there_are_thresholds_for_exactly_the_gates() -> None:
    assert set(gates.names()) == set(Gates.model_fields) - set(gates.ATTESTED)


def test_no_value_has_a_default() -> None:
    """What a result depends on stands in params.yaml, not in the code."""
    blocks = [ModelParams, *(field.annotation for field in ModelParams.model_fields.values())]
    fields = [field for block in blocks for field in getattr(block, "model_fields", {}).values()]
    assert len(fields) > 20
    assert all(field.is_required() for field in fields)
    for field in Gates.model_fields.values():
        limits = list(dataclasses.fields(field.annotation))  # type: ignore[arg-type]
        assert limits
        assert all(entry.default is dataclasses.MISSING for entry in limits)


def test_parameters_cannot_be_changed(model_params: ModelParams) -> None:
    with pytest.raises(ValidationError):
        model_params.train.num_trees = 1  # type: ignore[misc]


def test_a_whole_number_is_a_number(model_params: ModelParams) -> None:
    as_read = model_params.train.model_dump() | {"lambda_l2": 5}
    assert Train.model_validate(as_read).lambda_l2 == 5.0


def test_a_model_without_a_block_is_named_with_those_that_have_one() -> None:
    with pytest.raises(UsageError, match=r"has no block models\.turbine\. It has flight_delay"):
        load("turbine")
