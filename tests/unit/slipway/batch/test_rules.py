"""Tables are refused for the rows, the fields and the rules that requests are refused for, in the same words."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.flight_delay import contract
from slipway.batch.rules import TableRules
from slipway.contracts.derivation import derive
from slipway.contracts.request import Breach, RequestBroken, RequestRules
from slipway.contracts.signature import Field
from tests.live_server import frame, rows

FLIGHT = derive(contract.RAW)
FIELDS = [
    Field("count", "integer", minimum=1, maximum=9),
    Field("seats", "integer", nullable=True),
    Field("half", "integer", nullable=True, minimum=0.5, maximum=2**53 + 1),
    Field("fives", "integer", minimum=-100, maximum=100, multiple_of=5.0),
    Field("speed", "number", nullable=True, minimum=0, maximum=120, multiple_of=1.15078, unit="mph"),
    Field("temp", "number", minimum=-40, maximum=130),
    Field("free", "number", nullable=True),
    Field("carrier", "string", allowed=("AA", "UA")),
    Field("dest", "string", nullable=True, pattern="^[A-Z]{3}$"),
    Field("note", "string", nullable=True),
]
INTEGERS: list[type[pl.DataType]] = [pl.Int8, pl.Int32, pl.Int64, pl.UInt64]
FLOATS: list[type[pl.DataType]] = [pl.Float32, pl.Float64]
EDGES = [0, 1, 5, 9, 10, -1, 120, 130, 131, 2**53, 2**53 + 1, 2**53 + 2, 2**63 - 1, 2**63, 2**64 - 1, -(2**63)]
STRINGS = st.sampled_from(["AA", "ua", "", "LAX", "LAX\n", "LAXX", "ÄÖÜ"]) | st.text(max_size=4)


def numbers(dtype: type[pl.DataType]) -> st.SearchStrategy[Any]:
    if dtype in INTEGERS:
        low, high = limits(dtype)
        return st.integers(low, high) | st.sampled_from([edge for edge in EDGES if low <= edge <= high])
    near = st.integers(-200, 200).map(float) | st.integers(0, 120).map(lambda steps: steps * 1.15078)
    wide = st.floats(width=32 if dtype == pl.Float32 else 64)
    exact = [np.float32(edge).item() if dtype == pl.Float32 else float(edge) for edge in EDGES]
    return near | wide | st.sampled_from([*exact, sys.float_info.max if dtype == pl.Float64 else 1.0])


def limits(dtype: type[pl.DataType]) -> tuple[int, int]:
    """The smallest and the largest integer that ``dtype`` holds."""
    column = pl.lit(0, dtype)
    low, high = pl.select(low=column.lower_bound(), high=column.upper_bound()).row(0)
    return low, high


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """A table of good, broken and missing values, each column of a type that its field allows."""
    height = draw(st.integers(1, 6))
    columns = []
    for field in FIELDS:
        strings = field.kind == "string"
        dtype = draw(st.sampled_from([pl.String] if strings else INTEGERS + FLOATS))
        values = st.none() | (STRINGS if strings else numbers(dtype))
        drawn = draw(st.lists(values, min_size=height, max_size=height))
        columns.append(pl.Series(field.name, drawn, dtype))
    return pl.DataFrame(columns)


def told(fields: list[Field], table: pl.DataFrame) -> tuple[list[Breach], list[dict[str, Any]]]:
    """The breaches that RequestRules finds row by row, and the rows that it passes."""
    request_rules, breaches, passed = RequestRules(fields), [], []
    for number, row in enumerate(table.to_dicts()):
        try:
            passed.append(request_rules.row(row))
        except RequestBroken as broken:
            breaches += [Breach(each.field, each.rule, number, each.message) for each in broken.breaches]
    return breaches, passed


@given(tables())
def test_equal_to_the_rules_of_a_request(table: pl.DataFrame) -> None:
    breaches, passed = told(FIELDS, table)
    checked = TableRules(FIELDS).check(table)
    assert checked.breaches == breaches
    assert checked.typed.filter(checked.keeps).to_dicts() == passed
    assert checked.typed.filter(checked.keeps).schema == frame(FIELDS, passed).schema


@given(st.integers(0, 2**32), st.data())
def test_equal_for_the_contract_of_the_model(seed: int, data: st.DataObject) -> None:
    table = frame(FLIGHT, rows(FLIGHT, 20, seed))
    for _ in range(data.draw(st.integers(0, 5))):
        field = data.draw(st.sampled_from(FLIGHT))
        dtype = table.schema[field.name]
        value = data.draw(st.none() | (STRINGS if dtype == pl.String else numbers(type(dtype))))
        broken = pl.Series(field.name, [value], dtype).extend(table[field.name][1:])
        table = table.with_columns(broken).sample(fraction=1.0, shuffle=True, seed=seed)
    breaches, passed = told(FLIGHT, table)
    checked = TableRules(FLIGHT).check(table)
    assert checked.breaches == breaches
    assert checked.typed.filter(checked.keeps).to_dicts() == passed


@pytest.mark.parametrize(
    ("dtype", "good"),
    [(pl.String, False), (pl.Boolean, False), (pl.Date, False), (pl.Decimal(10, 2), False), (pl.List(pl.Int64), False),
     (pl.Int16, True), (pl.UInt64, True), (pl.Float32, True), (pl.Null, True)],
    ids=str,
)  # fmt: skip
def test_a_number_stands_in_a_column_of_numbers(dtype: pl.DataType, good: bool) -> None:
    for kind in ("integer", "number"):
        faults = TableRules([Field("n", kind)]).faults({"n": dtype})
        assert [(fault.field, fault.rule, fault.row) for fault in faults] == ([] if good else [("n", "type", None)])


@pytest.mark.parametrize(
    ("dtype", "good"),
    [(pl.String, True), (pl.Categorical(), True), (pl.Enum(["a"]), True), (pl.Int64, False), (pl.Binary, False)],
    ids=str,
)
def test_a_string_stands_in_a_column_of_strings(dtype: pl.DataType, good: bool) -> None:
    assert (TableRules([Field("s", "string")]).faults({"s": dtype}) == []) is good


def test_a_missing_column_is_named_and_an_unknown_one_is_not_looked_at() -> None:
    fields = [Field("a", "integer"), Field("b", "string")]
    (fault,) = TableRules(fields).faults({"b": pl.String(), "more": pl.Date()})
    assert str(fault) == "field 'a': the column is missing (rule required)"


def test_categories_and_nothing_but_nulls_are_cast() -> None:
    table = pl.DataFrame(
        {"s": pl.Series(["a", None], dtype=pl.Categorical), "n": pl.Series([None, None], dtype=pl.Null)}
    )
    checked = TableRules([Field("s", "string", nullable=True), Field("n", "number", nullable=True)]).check(table)
    assert checked.keeps.all()
    assert checked.typed.schema == {"s": pl.String, "n": pl.Float64}
    assert checked.typed.rows() == [("a", None), (None, None)]


def test_a_disagreement_with_the_rules_of_a_request_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RequestRules, "row", lambda self, values: dict(values))
    with pytest.raises(RuntimeError, match="field 'n': table and request rules disagree about 11"):
        TableRules([Field("n", "integer", maximum=9)]).check(pl.DataFrame({"n": [1, 11]}))
