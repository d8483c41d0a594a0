"""Marks say of a column what no type says: when it is known, whom it concerns, who sends it."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
import pytest

from models.flight_delay import contract
from slipway.contracts.marks import mark, marked

SCHEMA = pa.DataFrameSchema(
    {
        "asked": pa.Column(pl.Int64, metadata=mark(request=True, unit="m", about="x")),
        "outcome": pa.Column(pl.Int64, metadata=mark(known="after")),
        "person": pa.Column(pl.Int64, metadata=mark(personal=True)),
        "other": pa.Column(pl.Int64, metadata=mark()),
        "unmarked": pa.Column(pl.Int64),
    }
)


def test_columns_are_found_by_their_marks_in_order() -> None:
    assert marked(SCHEMA, request=True) == ["asked"]
    assert marked(SCHEMA, known="after") == ["outcome"]
    assert marked(SCHEMA, personal=True) == ["person"]
    assert marked(SCHEMA, known="before") == ["asked", "person", "other"]
    assert marked(SCHEMA, known="before", personal=False) == ["asked", "other"]
    assert marked(SCHEMA) == list(SCHEMA.columns)


@pytest.mark.parametrize("known", ["later", "", "After"])
def test_a_time_that_does_not_exist(known: str) -> None:
    with pytest.raises(ValueError, match="known is 'before' or 'after'"):
        mark(known=known)


@pytest.mark.parametrize("marks", [{"known": "after"}, {"personal": True}])
def test_a_request_carries_neither_outcomes_nor_persons(marks: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="neither an outcome nor personal data"):
        mark(request=True, **marks)  # type: ignore[arg-type]


def test_the_reference_model_marks_every_column() -> None:
    assert all(column.metadata for column in contract.RAW.columns.values())
    assert {"arr_delay", "dep_delay", "air_time"} <= set(marked(contract.RAW, known="after"))
    assert "tailnum" in marked(contract.RAW, personal=True)
