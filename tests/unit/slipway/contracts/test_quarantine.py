"""Rows that break the contract are set aside with all their reasons; the others stay as they were, in order."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from slipway.contracts.checks import row_rule
from slipway.contracts.quarantine import REASONS, inspect

CONTRACT = pa.DataFrameSchema(
    {
        "speed": pa.Column(pl.Float64, pa.Check.in_range(0, 100), nullable=True),
        "kind": pa.Column(pl.String, pa.Check.isin(["a", "b"])),
        "key": pa.Column(pl.Int64),
    },
    checks=[row_rule("slow_a", (pl.col("kind") != "a") | (pl.col("speed") < 50))],
    unique=["key"],
    strict=True,
)
SCHEMA = {"speed": pl.Float64, "kind": pl.String, "key": pl.Int64}


def _frame(*rows: tuple[float | None, str | None, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def test_a_table_that_keeps_it_is_returned_as_it_was() -> None:
    frame = _frame((1.0, "a", 1), (None, "b", 2))
    found = inspect(frame, CONTRACT)
    assert_frame_equal(found.valid, frame)
    assert found.quarantine.height == 0
    assert found.quarantine.columns == [*frame.columns, REASONS]
    assert (found.rows, found.table_faults, found.reason_counts()) == (2, [], {})


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((101.0, "b", 9), "speed: in_range"),
        ((-1.0, "b", 9), "speed: in_range"),
        ((1.0, "c", 9), "kind: isin"),
        ((1.0, None, 9), "kind: not_nullable"),
        ((60.0, "a", 9), "row: slow_a"),
    ],
)
def test_a_bad_row_is_quarantined_with_its_reason(row: tuple[float, str, int], reason: str) -> None:
    good = (1.0, "a", 1), (2.0, "b", 2)
    found = inspect(_frame(good[0], row, good[1]), CONTRACT)
    assert_frame_equal(found.valid, _frame(*good))
    assert found.quarantine.drop(REASONS).rows() == [row]
    (reasons,) = found.quarantine[REASONS].to_list()
    assert len(reasons) == 1
    assert reasons[0].startswith(reason)


def test_a_row_has_all_its_reasons_and_they_are_counted() -> None:
    found = inspect(_frame((101.0, "c", 1), (102.0, "b", 2), (1.0, "b", 3)), CONTRACT)
    reasons = found.quarantine[REASONS].to_list()
    assert [len(entry) for entry in reasons] == [2, 1]
    assert sorted(found.reason_counts().values()) == [1, 2]
    assert next(iter(found.reason_counts())).startswith("speed: in_range"), "the most frequent comes first"
    assert found.rows == 3


def test_each_row_of_a_duplicated_key_is_set_aside() -> None:
    found = inspect(_frame((1.0, "a", 1), (2.0, "b", 2), (3.0, "b", 1)), CONTRACT)
    assert found.valid["key"].to_list() == [2]
    assert found.quarantine["speed"].to_list() == [1.0, 3.0]


@pytest.mark.parametrize(
    "frame",
    [
        _frame((1.0, "a", 1), (2.0, "b", 2)).drop("kind"),
        _frame((1.0, "a", 1), (2.0, "b", 2)).with_columns(pl.lit(1).alias("more")),
        _frame((1.0, "a", 1), (2.0, "b", 2)).with_columns(pl.col("key").cast(pl.String)),
    ],
    ids=["missing column", "unknown column", "wrong type"],
)
def test_with_a_fault_of_the_whole_table_no_row_is_valid(frame: pl.DataFrame) -> None:
    found = inspect(frame, CONTRACT)
    assert found.valid.height == 0
    assert found.rows == 2
    assert found.table_faults
    for reasons in found.quarantine[REASONS].to_list():
        assert set(found.table_faults) <= set(reasons)


@given(
    st.lists(
        st.tuples(
            st.none() | st.floats(-50, 150, allow_nan=False), st.none() | st.sampled_from(["a", "b", "c"]),
            st.integers(0, 30),
        ),
        max_size=20,
    )
)  # fmt: skip
def test_no_row_is_lost_invented_or_moved(rows: list[tuple[float | None, str | None, int]]) -> None:
    def good(row: tuple[float | None, str | None, int]) -> bool:
        speed, kind, key = row
        in_range = speed is None or 0 <= speed <= 100
        slow = kind != "a" or speed is None or speed < 50
        return in_range and kind in ("a", "b") and slow and [other[2] for other in rows].count(key) == 1

    found = inspect(_frame(*rows), CONTRACT)
    assert found.valid.rows() == [row for row in rows if good(row)]
    assert found.quarantine.drop(REASONS).rows() == [row for row in rows if not good(row)]
    assert all(found.quarantine[REASONS].list.len() > 0)
