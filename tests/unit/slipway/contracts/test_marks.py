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


def test_a_request_carries_no_outcome() -> None:
    with pytest.raises(ValueError, match="a request cannot carry an outcome"):
        mark(request=True, known="after")


@pytest.mark.parametrize("logged", [None, "", "raw", "Dropped"])
def test_a_personal_request_field_says_how_it_is_logged(logged: str | None) -> None:
    with pytest.raises(ValueError, match="is logged 'dropped' or 'tokenised', not"):
        mark(request=True, personal=True, logged=logged)


@pytest.mark.parametrize("marks", [{"request": True}, {"personal": True}, {}])
def test_nothing_else_says_how_it_is_logged(marks: dict[str, bool]) -> None:
    with pytest.raises(ValueError, match="only a personal request field"):
        mark(logged="dropped", **marks)  # type: ignore[arg-type]


def test_the_way_of_logging_is_a_mark() -> None:
    assert mark(request=True, personal=True, logged="tokenised")["logged"] == "tokenised"
    assert mark(request=True)["logged"] is None


def test_the_reference_model_marks_every_column() -> None:
    assert all(column.metadata for column in contract.RAW.columns.values())
    assert {"arr_delay", "dep_delay", "air_time"} <= set(marked(contract.RAW, known="after"))
    assert "tailnum" in marked(contract.RAW, personal=True)
