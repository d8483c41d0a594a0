from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.flight_delay import contract, features
from slipway.contracts.derivation import derive
from slipway.contracts.signature import Field
from slipway.features import Row
from slipway.features.tracing import Traced, Tracing, Untraceable, fields_read, trace
from tests.live_server import rows

ROW = {"a": 7.5, "b": -2, "c": None, "name": "x"}
VOCABULARY = {"x": 3}

OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "sum": lambda raw: raw.number("a") + raw.number("b"),
    "difference from a number": lambda raw: 3 - raw.number("a"),
    "product": lambda raw: 2 * raw.number("a") * raw.number("b"),
    "quotient": lambda raw: raw.number("a") / raw.number("b"),
    "whole quotient": lambda raw: raw.number("a") // raw.number("b"),
    "remainder": lambda raw: 100 % raw.number("a"),
    "negation": lambda raw: -raw.number("a"),
    "missing": lambda raw: raw.number("c") + raw.number("b"),
    "code": lambda raw: raw.code("name", VOCABULARY),
    "unknown code": lambda raw: raw.code("a", VOCABULARY),
    "where": lambda raw: raw.where(raw.number("a") > raw.number("b"), 1.0, raw.number("c")),
    "where not": lambda raw: raw.where((raw.number("a") < 0) | (raw.number("b") >= 0), raw.number("a"), 2.0),
    "where both": lambda raw: raw.where((raw.number("a") != 0) & (raw.number("b") == -2), raw.number("a"), 2.0),
    "constant": lambda raw: 4.0,
}
FIELDS = {
    "difference from a number": "a", "remainder": "a", "negation": "a", "missing": "bc", "code": {"name"},
    "unknown code": "a", "where": "abc", "constant": "",
}  # fmt: skip


@pytest.fixture(scope="module")
def signature() -> list[Field]:
    return derive(contract.RAW)


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_traced_value_is_that_of_a_row_and_knows_its_fields(name: str) -> None:
    operation = OPERATIONS[name]
    (traced,) = trace(lambda raw, state: [operation(raw)], {}, ROW)
    assert _same(traced.value, operation(Row(ROW)))
    assert traced.fields == frozenset(FIELDS.get(name, "ab"))


@given(st.integers(0, 10_000))
def test_the_real_transform_traces_to_the_same_numbers(signature: list[Field], seed: int) -> None:
    (row,) = rows(signature, 1, seed)
    state = {"carrier": {"UA": 0, "DL": 1}, "origin": {"JFK": 0}, "dest": {"ATL": 5}}
    traced = trace(features.transform, state, row)
    assert all(_same(one.value, other) for one, other in zip(traced, features.transform(Row(row), state), strict=True))


def test_the_real_transform_s_fields(signature: list[Field]) -> None:
    state: dict[str, dict[str, int]] = {"carrier": {}, "origin": {}, "dest": {}}
    traced = trace(features.transform, state, dict.fromkeys(field.name for field in signature))
    found = {name: set(value.fields) for name, value in zip(features.NAMES, traced, strict=True)}
    assert found["weekday"] == {"year", "month", "day"}
    assert found["block_minutes"] == {"sched_dep_time", "sched_arr_time", "dest_tz"}
    assert found["gust_excess"] == {"wind_gust", "wind_speed"}
    assert found["plane_age"] == {"year", "plane_year"}
    assert set.union(*found.values()) == {field.name for field in signature}


@pytest.mark.parametrize(
    "transform",
    [
        lambda raw, state: [math.floor(raw.number("a"))],
        lambda raw, state: [1.0 if raw.number("a") > 0 else 2.0],
        lambda raw, state: [{7.5: 1.0}[raw.number("a")]],
        lambda raw, state: [raw.number("a") ** 2],
    ],
    ids=["function", "branch", "look-up", "power"],
)
def test_what_would_lose_the_fields_is_refused_with_what_is_allowed(transform: Any) -> None:
    with pytest.raises(Untraceable, match=r"cannot be traced: .* Keep to \+ - \* / // %"):
        trace(transform, {}, ROW)


def test_a_field_is_read_even_if_nothing_comes_of_it() -> None:
    def transform(raw: Any, state: Any) -> list[Any]:
        raw.number("b")
        return [raw.number("a")]

    assert fields_read(transform, {}, ["c", "b", "a"]) == ["b", "a"]


def test_a_field_that_is_not_there_is_a_key_error_as_in_a_row() -> None:
    with pytest.raises(KeyError):
        Tracing({}).number("a")
    assert isinstance(Tracing({"a": 1}).number("a"), Traced)
