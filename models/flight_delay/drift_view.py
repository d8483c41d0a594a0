"""What is watched for drift, and the faults that must be noticed.

Weather has seasons, so a sensor's level tells little about the sensor. What holds in any season is how readings
relate: a station to the mean of the others in the same hour, humidity to temperature and dew point, gusts to the
wind, and for how many hours a reading has stayed the same. All comes from fields of a request, so that served
traffic can be watched likewise; tail numbers and outcomes never stand here.
"""

from __future__ import annotations

import polars as pl

TIME = "time_hour"
STATION = "origin"
SENSORS = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
VANISHING = ("carrier",)
CIRCULAR = {"wind_dir": 360.0}

_BETWEEN = ("temp", "dewp", "humid", "wind_speed", "gust_excess", "precip", "pressure", "visib")
# Without rain, haze or gusts a sensor rests for days: its unchanged hours count from the first other reading.
_AT_REST = {"precip": 0.0, "visib": 10.0}
# Steady weather repeats a reading for some hours; after a day, longer says no more.
_SHORTEST_UNCHANGED, _LONGEST_UNCHANGED = 3, 24
# In mph: gusts in a lighter wind, or so far above the wind, are reported in one hour of some hundreds.
_LIGHT_WIND = 10.0
_COMMON_EXCESS = 15.0

# Gusts are reported in so few hours that only their excess over the wind, 0 without, is always there.
_LEVELS = tuple(sensor for sensor in SENSORS if sensor != "wind_gust")
# A sensor fails at one station, and two sound ones would hide a third of the rows.
BY_STATION = (
    "humid_excess",
    "gust_excess",
    "gust_beyond_excess",
    "gust_in_light_wind",
    *(f"{sensor}_between" for sensor in (*_BETWEEN, "wind_dir")),
    *(f"{sensor}_unchanged" for sensor in SENSORS),
)
NUMERIC = (
    *_LEVELS,
    *BY_STATION,
    "departure_minute",
    "block_minutes",
    "distance",
    "hour_departures",
    "recent_departures",
    "recent_delay",
    "plane_age",
    "plane_seats",
)
CATEGORICAL = ("carrier", "origin", "dest")

# Upward shifts of the mean that must be noticed, in standard deviations of the reference. At one station a quarter
# of one suffices but for the wind. When all stations shift at once (a change of unit, a new feed), no sensor is left
# to compare with: wind speed and pressure need several, and a turn of all wind directions is never seen.
STATION_SHIFT = dict.fromkeys(SENSORS, 1.0) | {"wind_speed": 1.5, "wind_gust": 2.0}
SHIFT = {
    "temp": 1.0, "dewp": 1.0, "humid": 1.0, "precip": 1.0, "visib": 1.0, "wind_gust": 2.0, "wind_speed": 3.0,
    "pressure": 6.0, "sched_dep_time": 1.0, "distance": 1.0, "hour_departures": 1.0, "plane_year": 1.0,
    "plane_seats": 1.0,
}  # fmt: skip
# Measured and shown, but not required: how blind the alarm is to one standard deviation at all stations at once.
LIMIT = {"wind_dir": 1.0, "wind_gust": 1.0, "wind_speed": 1.0, "pressure": 1.0}

_HOUR = "hour"
_NEW_YORK_TZ = -5


def view(raw: pl.DataFrame) -> pl.DataFrame:
    """The columns NUMERIC and CATEGORICAL of each row of ``raw``, in its order; a missing value is null."""
    rows = raw.with_columns(_hour().alias(_HOUR))
    departs, arrives = _minute_of_day("sched_dep_time"), _minute_of_day("sched_arr_time")
    schedule = rows.select(
        _HOUR,
        *CATEGORICAL,
        departs.alias("departure_minute"),
        ((arrives - departs + 60 * (_NEW_YORK_TZ - pl.col("dest_tz"))) % 1440).alias("block_minutes"),
        "distance",
        "hour_departures",
        "recent_departures",
        "recent_delay",
        (pl.col("year") - pl.col("plane_year")).alias("plane_age"),
        "plane_seats",
    )
    joined = schedule.join(_weather(rows), on=(STATION, _HOUR), how="left", maintain_order="left")
    return joined.select(*NUMERIC, *CATEGORICAL)


def _weather(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per station and hour."""
    hours = rows.select(STATION, _HOUR, *SENSORS).unique((STATION, _HOUR), keep="first").sort(STATION, _HOUR)
    excess = pl.col("wind_gust").fill_null(pl.col("wind_speed")) - pl.col("wind_speed")
    hours = hours.with_columns(excess.alias("gust_excess"))
    light = pl.col("wind_speed") < _LIGHT_WIND
    return hours.with_columns(
        (pl.col("gust_excess") - _COMMON_EXCESS).clip(0.0, None).alias("gust_beyond_excess"),
        pl.when(light).then("gust_excess").otherwise(0 * pl.col("gust_excess")).alias("gust_in_light_wind"),
        (pl.col("humid") - 100 * _vapour("dewp") / _vapour("temp")).alias("humid_excess"),
        *(_between(sensor) for sensor in _BETWEEN),
        _direction_between().alias("wind_dir_between"),
        *(_unchanged(sensor) for sensor in SENSORS),
    )


def _hour() -> pl.Expr:
    """The local hour of departure as one number that grows with time."""
    months = pl.col("year") * 12 + pl.col("month")
    return (months * 31 + pl.col("day")) * 24 + pl.col("sched_dep_time") // 100


def _between(sensor: str) -> pl.Expr:
    """The reading minus the mean of the other stations' in the same hour; null without others."""
    here = pl.col(sensor)
    others = pl.when(here.count().over(_HOUR) > 1).then(here.count().over(_HOUR) - 1)
    return (here - (here.sum().over(_HOUR) - here) / others).alias(f"{sensor}_between")


def _direction_between() -> pl.Expr:
    """Degrees, -180..180, from the direction at the next station in the same hour."""
    other = pl.col("wind_dir").shift(1).over(_HOUR, order_by=STATION)
    return (pl.col("wind_dir") - other + 180) % 360 - 180


def _unchanged(sensor: str) -> pl.Expr:
    """For how many of the station's hours the reading has been the same; 0 up to _SHORTEST_UNCHANGED, or at rest."""
    run = pl.col(sensor).rle_id().over(STATION)
    hours = (pl.int_range(pl.len()).over(STATION, run) - _SHORTEST_UNCHANGED).clip(0, _LONGEST_UNCHANGED)
    resting = pl.col(sensor).is_null() | (pl.col(sensor) == pl.lit(_AT_REST.get(sensor))).fill_null(False)
    return pl.when(resting).then(0).otherwise(hours).alias(f"{sensor}_unchanged")


def _minute_of_day(clock: str) -> pl.Expr:
    return pl.col(clock) // 100 * 60 + pl.col(clock) % 100


# August-Roche-Magnus, as in the contract.
def _vapour(fahrenheit: str) -> pl.Expr:
    celsius = (pl.col(fahrenheit) - 32) / 1.8
    return (17.625 * celsius / (243.04 + celsius)).exp()
