"""The request signature follows from the contract: each check has its counterpart, or is refused."""

from __future__ import annotations

import re

import pandera.polars as pa
import polars as pl
import pytest

from models.flight_delay import contract
from slipway.contracts.checks import multiple_of
from slipway.contracts.derivation import derive
from slipway.contracts.marks import mark, marked
from slipway.contracts.request import RequestBroken, RequestRules
from slipway.contracts.signature import Field, as_json

ASKED = mark(request=True)


def _derived(dtype: object, *checks: pa.Check, nullable: bool = False) -> Field:
    column = pa.Column(dtype, list(checks), nullable=nullable, metadata=ASKED)  # type: ignore[arg-type]
    (field,) = derive(pa.DataFrameSchema({"x": column}))
    return field


@pytest.mark.parametrize(
    ("dtype", "check", "field"),
    [
        (pl.Int64, pa.Check.in_range(1, 5), Field("x", "integer", minimum=1, maximum=5)),
        (pl.Float64, pa.Check.ge(1.5), Field("x", "number", minimum=1.5)),
        (pl.Float64, pa.Check.le(2.5), Field("x", "number", maximum=2.5)),
        (pl.Float64, multiple_of(0.5), Field("x", "number", multiple_of=0.5)),
        (pl.String, pa.Check.isin(["b", "a"]), Field("x", "string", allowed=("a", "b"))),
        (pl.String, pa.Check.str_matches(r"^[A-Z]$"), Field("x", "string", pattern="^[A-Z]$")),
        (pl.String, pa.Check.str_matches(re.compile(r"^[A-Z]$")), Field("x", "string", pattern="^[A-Z]$")),
    ],
)
def test_each_check_has_its_rule(dtype: object, check: pa.Check, field: Field) -> None:
    assert _derived(dtype, check) == field


def test_several_checks_are_several_rules() -> None:
    field = _derived(pl.Float64, pa.Check.in_range(0, 10), multiple_of(0.5), nullable=True)
    assert field == Field("x", "number", nullable=True, minimum=0, maximum=10, multiple_of=0.5)


def test_a_check_without_a_counterpart_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="column x: check 'greater_than' has no counterpart"):
        _derived(pl.Int64, pa.Check.gt(1))


@pytest.mark.parametrize("dtype", [pl.Date, pl.Int8, pl.Boolean, pl.Datetime("ms", "UTC")])
def test_a_type_that_a_request_cannot_carry_is_refused_by_name(dtype: object) -> None:
    with pytest.raises(ValueError, match="column x: a request field is Int64, Float64 or String"):
        _derived(dtype)


def test_only_what_a_request_carries_is_derived_in_the_contract_s_order() -> None:
    fields = derive(contract.RAW)
    assert [field.name for field in fields] == marked(contract.RAW, request=True)
    after = set(marked(contract.RAW, known="after")) | set(marked(contract.RAW, personal=True))
    assert not after & {field.name for field in fields}
    assert all(field.about for field in fields)


@pytest.mark.parametrize("logged", ["dropped", "tokenised"])
def test_how_a_personal_field_is_logged_travels_in_the_signature(logged: str) -> None:
    column = pa.Column(pl.String, metadata=mark(request=True, personal=True, logged=logged))
    (field,) = derive(pa.DataFrameSchema({"x": column}))
    assert field == Field("x", "string", logged=logged)
    assert as_json([field])[0]["logged"] == logged


def test_a_field_that_is_not_personal_says_nothing_of_logging() -> None:
    assert not any("logged" in field for field in as_json(derive(contract.RAW)))


@pytest.mark.parametrize("value", [0.0, 9.5, 10.0, 10.5, -0.5, 0.7, None])
def test_a_request_passes_exactly_where_the_contract_does(value: float | None) -> None:
    column = pa.Column(pl.Float64, [pa.Check.in_range(0, 10), multiple_of(0.5)], nullable=True, metadata=ASKED)
    schema = pa.DataFrameSchema({"x": column})
    try:
        schema.validate(pl.DataFrame({"x": [value]}, schema={"x": pl.Float64}), lazy=True)
        kept = True
    except pa.errors.SchemaErrors:
        kept = False
    try:
        RequestRules(derive(schema)).row({"x": value})
        answered = True
    except RequestBroken:
        answered = False
    assert answered == kept
