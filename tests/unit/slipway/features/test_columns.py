"""A table and a row answer the same questions alike."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.features import Columns, Row, Table

ROWS = [{"n": 3, "c": "a"}, {"n": None, "c": "z"}, {"n": -7, "c": None}]
VOCABULARY = {"a": 0, "b": 1}


def both() -> list[tuple[Columns, int | None]]:
    return [(Table(pl.DataFrame(ROWS)), None), *((Row(row), place) for place, row in enumerate(ROWS))]


@pytest.mark.parametrize(("columns", "place"), both())
def test_missing_and_unknown_are_nan(columns: Columns, place: int | None) -> None:
    number, code = np.array([3.0, np.nan, -7.0]), np.array([0.0, np.nan, np.nan])
    chosen = slice(None) if place is None else place
    np.testing.assert_array_equal(columns.number("n"), number[chosen])
    np.testing.assert_array_equal(columns.code("c", VOCABULARY), code[chosen])


@pytest.mark.parametrize(("columns", "place"), both())
def test_where_takes_the_other_branch_for_nan(columns: Columns, place: int | None) -> None:
    expected = np.array([1.0, 0.0, 0.0])
    found = columns.where(columns.number("n") > 0, 1.0, 0.0)
    np.testing.assert_array_equal(found, expected[slice(None) if place is None else place])


@given(
    a=st.floats(-1e9, 1e9) | st.integers(-(10**9), 10**9),
    b=st.floats(0.001, 1e6) | st.integers(1, 10**6),
)
def test_arithmetic_that_a_transform_may_use_rounds_alike(a: float, b: float) -> None:
    table = Table(pl.DataFrame({"a": [a], "b": [b]}))
    row = Row({"a": a, "b": b})
    for operation in (
        lambda c: c.number("a") + c.number("b"),
        lambda c: c.number("a") - c.number("b"),
        lambda c: c.number("a") * c.number("b"),
        lambda c: c.number("a") / c.number("b"),
        lambda c: c.number("a") // c.number("b"),
        lambda c: c.number("a") % c.number("b"),
    ):
        assert np.float64(operation(row)).tobytes() == np.asarray(operation(table), np.float64).tobytes()
