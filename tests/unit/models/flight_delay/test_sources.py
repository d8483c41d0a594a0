"""The join keeps every flight once and never looks ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from models.flight_delay import contract, sources
from slipway.sources import locate


@pytest.fixture(scope="module")
def tables() -> dict[str, pl.DataFrame]:
    found = locate(sources.PACKAGE, sources.FOLDER, sources.FILES)
    return {table: sources.read(table, source.file) for table, source in found.items()}


@pytest.fixture(scope="module")
def rows(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return sources.join(tables)


def test_every_flight_once(tables: dict[str, pl.DataFrame], rows: pl.DataFrame) -> None:
    assert rows.height == tables["flights"].height == 336_776
    assert not rows.select(contract.RAW.unique).is_duplicated().any()


def test_weather_is_older_than_the_hour_and_not_too_old(rows: pl.DataFrame) -> None:
    age = rows.select(pl.col("time_hour") - pl.col("weather_time")).to_series().drop_nulls()
    assert age.min() > timedelta(0)
    assert age.max() <= timedelta(hours=3)
    assert rows["weather_time"].null_count() < 3000


def test_recent_delay_is_the_mean_of_what_had_left(rows: pl.DataFrame) -> None:
    moment = datetime(2013, 7, 10, 20, tzinfo=UTC)
    minutes = pl.duration(minutes=pl.col("sched_dep_time") % 100 + pl.col("dep_delay"))
    left = pl.col("time_hour") + minutes
    window = rows.filter((pl.col("origin") == "JFK") & (left < moment) & (left >= moment - timedelta(hours=2)))
    found = rows.filter((pl.col("time_hour") == moment) & (pl.col("origin") == "JFK")).row(0, named=True)
    assert found["recent_departures"] == window.height > 20
    assert found["recent_delay"] == window["dep_delay"].clip(-30, 240).sum() / window.height


def test_as_of_hides_what_was_to_come(tables: dict[str, pl.DataFrame]) -> None:
    moment = datetime(2013, 7, 10, 20, tzinfo=UTC)
    then = sources.as_of(tables, moment)
    now = then["flights"].filter(pl.col("time_hour") == "2013-07-10T20:00:00Z")
    assert now.height > 50
    assert now["dep_delay"].null_count() >= now.height - 5  # a few left before their scheduled hour
    assert then["flights"]["arr_delay"].null_count() == then["flights"].height
    assert then["weather"]["time_hour"].max() == "2013-07-10T19:00:00Z"


def test_label_is_missing_where_a_flight_never_arrived(rows: pl.DataFrame) -> None:
    assert rows.select(contract.label()).to_series().null_count() == 9430
