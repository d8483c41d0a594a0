"""Gate ``volume``: months and days that hold too few or too many rows are red."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from models.flight_delay import contract
from pipelines.validate import _rows_per_day
from slipway.configuration import Gates
from slipway.gates import volume

MONTH = "2013-10"


@pytest.fixture
def rows(ingested: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return pl.concat([_rows_per_day(name, month, contract) for name, month in ingested.items()])


def without(rows: pl.DataFrame, lost: pl.Expr) -> pl.DataFrame:
    return rows.with_columns(pl.when(lost).then(0).otherwise(pl.col(name)).alias(name) for name in ("rows", "labelled"))


def test_real_year_passes(rows: pl.DataFrame, limits: Gates) -> None:
    verdict = volume.judge(rows, limits.volume)
    assert verdict.passed, verdict.reason
    assert verdict.figures["missing_days"] == {}


@pytest.mark.parametrize("half", [pl.col("day").dt.day() <= 15, pl.col("day").dt.day() > 16])
def test_fault_half_a_month_missing(rows: pl.DataFrame, limits: Gates, half: pl.Expr) -> None:
    verdict = volume.judge(without(rows, (pl.col("period") == MONTH) & half), limits.volume)
    assert verdict.gate == "volume"
    assert not verdict.passed
    assert f"{MONTH} lacks 15 of its days" in verdict.reason
    assert set(verdict.figures["missing_days"]) == {MONTH}


def test_fault_one_day_missing(rows: pl.DataFrame, limits: Gates) -> None:
    verdict = volume.judge(without(rows, pl.col("day") == date(2013, 10, 31)), limits.volume)
    assert not verdict.passed
    assert "its newest is 2013-10-30" in verdict.reason


def test_fault_every_day_thinned(rows: pl.DataFrame, limits: Gates) -> None:
    thin = rows.with_columns(
        pl.when(pl.col("period") == MONTH).then(pl.col("rows") // 2).otherwise("rows").alias("rows")
    )
    verdict = volume.judge(thin, limits.volume)
    assert not verdict.passed
    assert f"{MONTH} holds" in verdict.reason


def test_fault_whole_month_missing(rows: pl.DataFrame, limits: Gates) -> None:
    verdict = volume.judge(without(rows, pl.col("period") == MONTH), limits.volume)
    assert not verdict.passed
    assert f"{MONTH} lacks 31 of its days" in verdict.reason


def test_fault_labels_do_not_arrive(rows: pl.DataFrame, limits: Gates) -> None:
    late = pl.when(pl.col("day") > date(2013, 10, 3), pl.col("period") == MONTH).then(0).otherwise("labelled")
    verdict = volume.judge(rows.with_columns(late.alias("labelled")), limits.volume)
    assert not verdict.passed
    assert f"rows of {MONTH} have a label" in verdict.reason


def test_fault_month_delivered_twice(rows: pl.DataFrame, limits: Gates) -> None:
    double = rows.with_columns(
        pl.when(pl.col("period") == MONTH).then(pl.col("rows") * 2).otherwise("rows").alias("rows")
    )
    assert not volume.judge(double, limits.volume).passed
