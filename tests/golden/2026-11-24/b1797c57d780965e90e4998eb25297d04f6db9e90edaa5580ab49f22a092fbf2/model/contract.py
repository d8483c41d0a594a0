"""What a flight's row, its features and a prediction request may hold.

RAW is the one statement; the request signature is derived from its columns marked ``request``.
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

from slipway.contracts.checks import multiple_of, row_rule
from slipway.contracts.marks import mark

LATE_AFTER_MINUTES = 15
TIME = "time_hour"
PERIOD = "period"
LABEL = "late"
KNOT_IN_MPH = 1.15078

CARRIERS = ["9E", "AA", "AS", "B6", "DL", "EV", "F9", "FL", "HA", "MQ", "OO", "UA", "US", "VX", "WN", "YV"]
ORIGINS = ["EWR", "JFK", "LGA"]
_AIRPORT = pa.Check.str_matches(r"^[A-Z]{3}$")


def label() -> pl.Expr:
    """1 for a flight that arrived late, 0 for one that did not, null where it never arrived as planned."""
    return (pl.col("arr_delay") > LATE_AFTER_MINUTES).cast(pl.Int8).alias(LABEL)


def day() -> pl.Expr:
    """The local calendar day of a row."""
    return pl.date("year", "month", "day").alias("day")


def _asked(
    dtype: type[pl.DataType], *checks: pa.Check, nullable: bool = False, unit: str = "", about: str = ""
) -> pa.Column:
    return pa.Column(dtype, list(checks), nullable=nullable, metadata=mark(request=True, unit=unit, about=about))


def _outcome(low: float, high: float, unit: str) -> pa.Column:
    return pa.Column(pl.Int64, pa.Check.in_range(low, high), nullable=True, metadata=mark(known="after", unit=unit))


def _clock(about: str) -> pa.Column:
    return _asked(pl.Int64, pa.Check.in_range(0, 2359), unit="HHMM, local", about=about)


def _speed(about: str, fastest: float) -> pa.Column:
    rules = (pa.Check.in_range(0, fastest), multiple_of(KNOT_IN_MPH))
    return _asked(pl.Float64, *rules, nullable=True, unit="mph, in whole knots", about=about)


def _measured(low: float, high: float, unit: str, about: str) -> pa.Column:
    return _asked(pl.Float64, pa.Check.in_range(low, high), nullable=True, unit=unit, about=about)


# August-Roche-Magnus: relative humidity in percent from temperature and dew point.
def _vapour(fahrenheit: str) -> pl.Expr:
    celsius = (pl.col(fahrenheit) - 32) / 1.8
    return (17.625 * celsius / (243.04 + celsius)).exp()


_HUMIDITY_SLACK = 10.0
_ground_speed = pl.col("distance") / (pl.col("air_time") / 60)

RAW = pa.DataFrameSchema(
    {
        "year": _asked(pl.Int64, pa.Check.in_range(2013, 2100), about="year of the scheduled departure"),
        "month": _asked(pl.Int64, pa.Check.in_range(1, 12), about="month of the scheduled departure"),
        "day": _asked(pl.Int64, pa.Check.in_range(1, 31), about="day of the scheduled departure"),
        "sched_dep_time": _clock("scheduled departure"),
        "sched_arr_time": _clock("scheduled arrival"),
        "carrier": _asked(pl.String, pa.Check.isin(CARRIERS), about="IATA code of the carrier"),
        "origin": _asked(pl.String, pa.Check.isin(ORIGINS), about="airport of departure"),
        "dest": _asked(pl.String, _AIRPORT, about="airport of arrival"),
        "distance": _asked(pl.Int64, pa.Check.in_range(10, 5500), unit="miles", about="length of the route"),
        "hour_departures": _asked(
            pl.Int64, pa.Check.in_range(1, 120), about="departures scheduled at the origin in the same hour"
        ),
        "recent_departures": _asked(
            pl.Int64, pa.Check.in_range(0, 200), about="departures that left the origin in the two hours before"
        ),
        "recent_delay": _measured(
            -30, 240, "minutes", "mean delay of these departures, each counted as -30 to 240; null without any"
        ),
        "temp": _measured(-40, 130, "°F", "air temperature at the origin, latest observation before the hour"),
        "dewp": _measured(-60, 100, "°F", "dew point, same observation"),
        "humid": _measured(0, 100, "%", "relative humidity, same observation"),
        "wind_dir": _measured(0, 360, "degrees", "direction the wind comes from, same observation"),
        "wind_speed": _speed("wind speed, same observation", 120),
        "wind_gust": _speed("wind gust, same observation; null without gusts", 150),
        "precip": _measured(0, 5, "inches", "rain in the hour, same observation"),
        "pressure": _measured(900, 1100, "hPa", "air pressure at sea level, same observation"),
        "visib": _measured(0, 10, "miles", "visibility, same observation"),
        "plane_year": _asked(pl.Int64, pa.Check.in_range(1940, 2100), nullable=True, about="year the plane was built"),
        "plane_seats": _asked(pl.Int64, pa.Check.in_range(1, 900), nullable=True, about="number of seats"),
        "dest_tz": _measured(-12, 14, "hours from UTC", "time zone of the airport of arrival"),
        "time_hour": pa.Column(pl.Datetime("ms", "UTC"), metadata=mark(about="scheduled hour, the time of asking")),
        "weather_time": pa.Column(
            pl.Datetime("ms", "UTC"), nullable=True, metadata=mark(about="time of the weather observation")
        ),
        "flight": pa.Column(pl.Int64, pa.Check.in_range(1, 9999), metadata=mark(about="flight number")),
        "tailnum": pa.Column(pl.String, nullable=True, metadata=mark(personal=True, about="traces to an owner")),
        "period": pa.Column(pl.String, pa.Check.str_matches(r"^\d{4}-\d{2}$"), metadata=mark()),
        "dep_time": _outcome(1, 2400, "HHMM, local"),
        "dep_delay": _outcome(-120, 2000, "minutes"),
        "arr_time": _outcome(1, 2400, "HHMM, local"),
        "arr_delay": _outcome(-180, 2000, "minutes"),
        "air_time": _outcome(10, 1000, "minutes"),
    },
    checks=[
        row_rule("weather_is_older_than_the_hour", pl.col("weather_time") < pl.col("time_hour")),
        row_rule("minutes_below_60", (pl.col("sched_dep_time") % 100 < 60) & (pl.col("sched_arr_time") % 100 < 60)),
        row_rule("dew_point_below_temperature", pl.col("dewp") <= pl.col("temp")),
        row_rule(
            "humidity_follows_from_dew_point",
            (100 * _vapour("dewp") / _vapour("temp") - pl.col("humid")).abs() <= _HUMIDITY_SLACK,
        ),
        row_rule("gust_above_wind", pl.col("wind_gust") >= pl.col("wind_speed")),
        row_rule("ground_speed_in_mph", _ground_speed.is_between(60, 720)),
    ],
    unique=["time_hour", "carrier", "flight"],
    strict=True,
)


def _feature(low: float, high: float, *, nullable: bool = True) -> pa.Column:
    return pa.Column(pl.Float64, pa.Check.in_range(low, high), nullable=nullable)


FEATURES = pa.DataFrameSchema(
    {
        "weekday": _feature(0, 6, nullable=False),
        "departure_minute": _feature(0, 1439, nullable=False),
        "arrival_minute": _feature(0, 1439, nullable=False),
        "block_minutes": _feature(0, 1439),
        "carrier": _feature(0, 63),
        "origin": _feature(0, 15),
        "dest": _feature(0, 511),
        "distance": _feature(10, 5500, nullable=False),
        "hour_departures": _feature(1, 120, nullable=False),
        "recent_departures": _feature(0, 200, nullable=False),
        "recent_delay": _feature(-30, 240),
        "temp": _feature(-40, 130),
        "dew_point_spread": _feature(0, 150),
        "humid": _feature(0, 100),
        "wind_dir": _feature(0, 360),
        "wind_speed": _feature(0, 120),
        "gust_excess": _feature(0, 150),
        "precip": _feature(0, 5),
        "pressure": _feature(900, 1100),
        "visib": _feature(0, 10),
        "plane_age": _feature(-2, 150),
        "plane_seats": _feature(1, 900),
    },
    strict=True,
    ordered=True,
)
