"""The checks that pandera lacks: steps of an instrument, and rules over a row."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.contracts.checks import multiple_of, row_rule
from slipway.contracts.quarantine import inspect

KNOT = 1.15078


def _valid(values: list[float | None], check: pa.Check) -> list[float | None]:
    schema = pa.DataFrameSchema({"x": pa.Column(pl.Float64, check, nullable=True)})
    return inspect(pl.DataFrame({"x": values}, schema={"x": pl.Float64}), schema).valid["x"].to_list()


def test_values_between_the_steps_are_refused() -> None:
    steps = [0.0, KNOT, 7 * KNOT, None]
    between = [0.5 * KNOT, 1.0, 7 * KNOT + 0.2]
    assert _valid([*steps, *between], multiple_of(KNOT)) == steps


@given(st.integers(0, 200))
def test_rounding_to_five_decimals_is_forgiven(knots: int) -> None:
    value = round(knots * KNOT, 5)
    assert _valid([value], multiple_of(KNOT)) == [value]


def test_knots_in_place_of_miles_per_hour_are_noticed() -> None:
    miles = [knots * KNOT for knots in range(1, 40)]
    assert len(_valid([value / KNOT for value in miles], multiple_of(KNOT))) < len(miles) / 2


def test_the_check_says_its_name_and_step() -> None:
    check = multiple_of(0.5)
    assert (check.name, check.statistics, check.error) == ("multiple_of", {"quantum": 0.5}, "multiple_of(0.5)")


@pytest.mark.parametrize(("low", "high", "kept"), [(1, 2, True), (2, 1, False), (None, 1, True), (None, None, True)])
def test_a_row_rule_passes_where_a_value_is_missing(low: int | None, high: int | None, kept: bool) -> None:
    columns = {name: pa.Column(pl.Int64, nullable=True) for name in ("low", "high")}
    schema = pa.DataFrameSchema(columns, checks=[row_rule("in_order", pl.col("low") <= pl.col("high"))])
    frame = pl.DataFrame({"low": [low], "high": [high]}, schema={"low": pl.Int64, "high": pl.Int64})
    found = inspect(frame, schema)
    assert found.valid.height == kept
    assert found.reason_counts() == ({} if kept else {"row: in_order": 1})
