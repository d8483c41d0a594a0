"""The one transform from a raw row to the model's input, for training and for serving.

It runs on a table and on a single request with equal bits; ``slipway.features`` says which operations keep
that promise. It travels inside every release, so it imports nothing but ``slipway.features``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slipway.features import Columns, Values

if TYPE_CHECKING:
    import polars as pl

State = Mapping[str, Mapping[str, int]]

CATEGORICAL = ("weekday", "carrier", "origin", "dest")
NAMES = (
    "weekday", "departure_minute", "arrival_minute", "block_minutes", "carrier", "origin", "dest", "distance",
    "hour_departures", "recent_departures", "recent_delay", "temp", "dew_point_spread", "humid", "wind_dir",
    "wind_speed", "gust_excess", "precip", "pressure", "visib", "plane_age", "plane_seats",
)  # fmt: skip

_NEW_YORK_TZ = -5


def fit(train: pl.DataFrame) -> dict[str, Any]:
    """Learn what the transform must remember: the number of each category seen in the training rows."""
    return {
        name: {value: number for number, value in enumerate(sorted(train[name].unique().drop_nulls()))}
        for name in ("carrier", "origin", "dest")
    }


def transform(raw: Columns, state: State) -> list[Values]:
    """The values of NAMES, in that order; a missing one is NaN."""
    year = raw.number("year")
    departs = _minute_of_day(raw.number("sched_dep_time"))
    arrives = _minute_of_day(raw.number("sched_arr_time"))
    temp = raw.number("temp")
    wind_speed = raw.number("wind_speed")
    gust = raw.number("wind_gust") - wind_speed
    return [
        _weekday(raw, year, raw.number("month"), raw.number("day")),
        departs,
        arrives,
        (arrives - departs + 60 * (_NEW_YORK_TZ - raw.number("dest_tz"))) % 1440,
        raw.code("carrier", state["carrier"]),
        raw.code("origin", state["origin"]),
        raw.code("dest", state["dest"]),
        raw.number("distance"),
        raw.number("hour_departures"),
        raw.number("recent_departures"),
        raw.number("recent_delay"),
        temp,
        temp - raw.number("dewp"),
        raw.number("humid"),
        raw.number("wind_dir"),
        wind_speed,
        raw.where(gust > 0, gust, 0.0),
        raw.number("precip"),
        raw.number("pressure"),
        raw.number("visib"),
        year - raw.number("plane_year"),
        raw.number("plane_seats"),
    ]


def _minute_of_day(clock: Values) -> Values:
    return clock // 100 * 60 + clock % 100


def _weekday(raw: Columns, year: Values, month: Values, day: Values) -> Values:
    """Day of the week, Monday = 0 (days from the civil date, Howard Hinnant's algorithm)."""
    year = raw.where(month <= 2, year - 1, year)
    shifted = (month + 9) % 12
    day_of_year = (153 * shifted + 2) // 5 + day - 1
    return (365 * year + year // 4 - year // 100 + year // 400 + day_of_year + 2) % 7
