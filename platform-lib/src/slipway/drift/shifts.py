"""The faults that the alarm must notice, put into the raw rows of one window.

Each returns new rows and changes no others; the stated size of a shift is in standard deviations of the reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from slipway.drift.effects import WEIGHTY_SHARE
from slipway.drift.watch import Faults

# A column whose commonest value fills half the rows has a state of rest (no rain, clear sight).
_RESTING_SHARE = 0.5


# A fault that alters fewer of the rows it hits is no shift: a gust sensor is not seen to be wrong in a calm week.
_LEAST_ALTERED = 0.1


@dataclass(frozen=True)
class Shift:
    """One injected fault: its kind, whether it must be noticed, the column or category it hits, the rows it leaves."""

    kind: str
    required: bool
    target: str
    rows: pl.DataFrame


def all_shifts(window: pl.DataFrame, reference: pl.DataFrame, faults: Faults, turn: int) -> Iterator[Shift]:
    """Every stated fault in the raw rows ``window``, but those that alter less than a tenth of the rows they hit.

    Args:
        window: raw rows of a week.
        reference: raw rows that it is compared with; they say what a standard deviation is.
        faults: what the model states.
        turn: picks the station that fails, in rotation.
    """
    stations = sorted(reference[faults.station].unique().to_list())
    here = pl.col(faults.station) == stations[turn % len(stations)]
    yield from _stuck_sensors(window, reference, faults, here)
    for column in faults.vanishing:
        for category in weighty(reference[column]):
            yield Shift("vanished", True, category, window.filter(pl.col(column) != category))
    everywhere = pl.lit(True)
    stated = (
        ("mean shifted at one station", True, faults.station_shift, here),
        ("mean shifted", True, faults.shift, everywhere),
        ("mean shifted by little", False, faults.limit, everywhere),
    )
    for kind, required, sizes, where in stated:
        for column, size in sizes.items():
            by = size * spread(reference[column])
            rows = moved(window, column, by, where, faults.circular.get(column))
            if altered(window, rows, column, where) >= _LEAST_ALTERED:
                yield Shift(kind, required, column, rows)


def _stuck_sensors(window: pl.DataFrame, reference: pl.DataFrame, faults: Faults, here: pl.Expr) -> Iterator[Shift]:
    for sensor in faults.sensors:
        reading = moving_reading(window[sensor], reference[sensor])
        for kind, where in (("stuck at one station", here), ("stuck everywhere", pl.lit(True))):
            if reading is not None:
                rows = stuck(window, sensor, reading, where)
                if altered(window, rows, sensor, where) >= _LEAST_ALTERED:
                    yield Shift(kind, True, sensor, rows)


def altered(before: pl.DataFrame, after: pl.DataFrame, column: str, where: pl.Expr) -> float:
    """The share of the rows that ``where`` picks whose value in ``column`` differs."""
    hit = before.select(where.alias("hit"), was=column).with_columns(now=after[column])
    share = hit.filter("hit").select(pl.col("was").ne_missing(pl.col("now")).mean()).item()
    return 0.0 if share is None else float(share)


def moving_reading(window: pl.Series, reference: pl.Series) -> float | None:
    """The first reading of the window that is not the sensor's state of rest; None if it rested all the time."""
    shares = reference.drop_nulls().value_counts(normalize=True, name="share").sort("share", descending=True)
    readings = window.drop_nulls()
    if shares.height and shares["share"][0] >= _RESTING_SHARE:
        readings = readings.filter(readings != shares[reference.name][0])
    return float(readings[0]) if len(readings) else None


def stuck(window: pl.DataFrame, sensor: str, reading: float, where: pl.Expr) -> pl.DataFrame:
    """The sensor holds ``reading`` in the rows ``where`` says."""
    held = pl.lit(reading).cast(window.schema[sensor])
    return window.with_columns(pl.when(where).then(held).otherwise(pl.col(sensor)).alias(sensor))


def moved(window: pl.DataFrame, column: str, by: float, where: pl.Expr, period: float | None = None) -> pl.DataFrame:
    """``column`` plus ``by`` in the rows ``where`` says; a circular quantity comes round after ``period``."""
    shifted = pl.col(column).cast(pl.Float64) + by
    if period is not None:
        shifted = shifted % period
    changed = pl.when(where).then(shifted).otherwise(pl.col(column).cast(pl.Float64))
    return window.with_columns(changed.alias(column))


def weighty(categories: pl.Series) -> list[str]:
    """The categories that hold at least WEIGHTY_SHARE of the rows, in order of name."""
    shares = categories.drop_nulls().value_counts(normalize=True, name="share")
    return sorted(shares.filter(pl.col("share") >= WEIGHTY_SHARE)[categories.name].to_list())


def spread(column: pl.Series) -> float:
    """The standard deviation of the values that are there."""
    found = column.cast(pl.Float64).std()
    return 0.0 if found is None else float(found)  # type: ignore[arg-type]
