"""Gate ``contract``: a month whose rows break the contract is red, and the verdict says which rule."""

from __future__ import annotations

import polars as pl
import pytest

from models.flight_delay.contract import RAW
from slipway.configuration import Gates
from slipway.contracts.quarantine import inspect
from slipway.gates import contract
from slipway.gates.verdict import Verdict

MONTH = "2013-12"
KNOTS_PER_MPH = 0.868976


def judged(month: pl.DataFrame, limits: Gates) -> Verdict:
    return contract.judge({MONTH: inspect(month, RAW)}, limits.contract)


def is_red(verdict: Verdict, rule: str) -> bool:
    assert verdict.gate == "contract"
    assert any(rule in reason for reason in verdict.figures["reasons"]), verdict.figures["reasons"]
    return not verdict.passed


def test_real_year_passes(ingested: dict[str, pl.DataFrame], limits: Gates) -> None:
    verdict = contract.judge({name: inspect(month, RAW) for name, month in ingested.items()}, limits.contract)
    assert verdict.passed, verdict.reason
    assert verdict.figures["rows"] == 336_776
    assert 0 < verdict.figures["quarantined"] < 1000


@pytest.mark.parametrize("column", ["wind_speed", "wind_gust"])
def test_fault_unit_changes_from_mph_to_knots(ingested: dict[str, pl.DataFrame], limits: Gates, column: str) -> None:
    converted = ingested[MONTH].with_columns(pl.col(column) * KNOTS_PER_MPH)
    assert is_red(judged(converted, limits), f"{column}: multiple_of")


def test_fault_temperature_in_celsius(ingested: dict[str, pl.DataFrame], limits: Gates) -> None:
    converted = ingested[MONTH].with_columns((pl.col("temp") - 32) / 1.8)
    assert is_red(judged(converted, limits), "humidity_follows_from_dew_point")


def test_fault_distance_in_kilometres(ingested: dict[str, pl.DataFrame], limits: Gates) -> None:
    converted = ingested[MONTH].with_columns((pl.col("distance") * 1.609).cast(pl.Int64))
    assert is_red(judged(converted, limits), "ground_speed_in_mph")


@pytest.mark.parametrize(
    ("first", "second", "rule"),
    [
        ("temp", "dewp", "dew_point_below_temperature"),
        ("wind_speed", "wind_gust", "gust_above_wind"),
        ("origin", "dest", "origin: isin"),
        ("humid", "pressure", "in_range"),
    ],
)
def test_fault_columns_swapped(
    ingested: dict[str, pl.DataFrame], limits: Gates, first: str, second: str, rule: str
) -> None:
    swapped = ingested[MONTH].with_columns(pl.col(second).alias(first), pl.col(first).alias(second))
    assert is_red(judged(swapped, limits), rule)


def test_fault_new_category(ingested: dict[str, pl.DataFrame], limits: Gates) -> None:
    renamed = ingested[MONTH].with_columns(pl.col("carrier").replace("VX", "ZZ"))
    assert is_red(judged(renamed, limits), "carrier: isin")


def test_fault_day_duplicated(ingested: dict[str, pl.DataFrame], limits: Gates) -> None:
    month = ingested[MONTH]
    assert is_red(judged(pl.concat([month, month.filter(pl.col("day") == 5)]), limits), "uniqueness")


def test_fault_column_missing(ingested: dict[str, pl.DataFrame], limits: Gates) -> None:
    assert is_red(judged(ingested[MONTH].drop("visib"), limits), "column_in_dataframe")


def test_fault_column_of_another_type(ingested: dict[str, pl.DataFrame], limits: Gates) -> None:
    assert is_red(judged(ingested[MONTH].with_columns(pl.col("distance").cast(pl.String)), limits), "dtype")


def test_fault_one_bad_month_in_a_good_year(ingested: dict[str, pl.DataFrame], limits: Gates) -> None:
    bad = ingested[MONTH].with_columns(
        pl.when(pl.int_range(pl.len()) < 300).then(pl.lit("??")).otherwise("dest").alias("dest")
    )
    year = {name: inspect(month, RAW) for name, month in (ingested | {MONTH: bad}).items()}
    verdict = contract.judge(year, limits.contract)
    assert not verdict.passed
    assert MONTH in verdict.reason
    assert "dest: str_matches" in verdict.reason


def test_quarantine_keeps_every_row_and_says_why(ingested: dict[str, pl.DataFrame]) -> None:
    month = ingested[MONTH].with_columns(
        pl.when(pl.int_range(pl.len()) == 7).then(pl.lit("ZZ")).otherwise("carrier").alias("carrier")
    )
    found = inspect(month, RAW)
    assert found.rows == month.height
    reasons = found.quarantine.filter(pl.col("carrier") == "ZZ")["reasons"].to_list()
    assert [reason.split(":")[0] for reason in reasons[0]] == ["carrier"]
