"""Runs in environments/drift: readings of the real weeks, as they are and with faults in the newest one.

Usage: drift_readings.py OUTPUT < JSON with settings and train_through. Writes a JSON object of readings by name of
the fault, and under "nan" the error that a NaN raises.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from slipway import project
from slipway.drift import shifts
from slipway.drift.detector import Detector
from slipway.drift.effects import UnmeasurableFeatureError
from slipway.drift.reading import Reading
from slipway.drift.settings import Settings
from slipway.drift.watch import watch
from slipway.split import partitions, read


def faults(week: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    at_kennedy = pl.col("origin") == "JFK"
    for sensor in ("temp", "wind_speed", "pressure"):
        reading = shifts.moving_reading(week[sensor], week[sensor])
        assert reading is not None
        yield f"stuck {sensor}", shifts.stuck(week, sensor, reading, at_kennedy)
    for carrier in ("B6", "VX"):
        yield f"vanished {carrier}", week.filter(pl.col("carrier") != carrier)
    yield "shifted humid", shifts.moved(week, "humid", -shifts.spread(week["humid"]), at_kennedy)
    yield "shifted distance", shifts.moved(week, "distance", shifts.spread(week["distance"]), pl.lit(True))
    yield "missing temp", week.with_columns(temp=pl.when(~at_kennedy).then("temp"))


def main() -> None:
    order = json.load(sys.stdin)
    paths = project.paths("flight_delay")
    history = read(paths.validated, partitions(paths.validated))
    watched = watch(project.module("flight_delay", "drift_view"))
    detector = Detector(history, watched, Settings(**order["settings"]), order["train_through"])
    clean = detector.reading()
    newest = detector.judged[-1]
    week = detector.rows(newest)
    readings: dict[str, object] = {"clean": clean.as_json()}
    for name, rows in faults(week):
        readings[name] = _with_newest(clean, detector, rows).as_json()
    with_nan = week.with_columns(dewp=pl.when(pl.int_range(pl.len()) == 7).then(float("nan")).otherwise("dewp"))
    try:
        detector.week_with(newest, with_nan)
    except UnmeasurableFeatureError as error:
        readings["nan"] = {"message": str(error), "exit_code": error.exit_code}
    Path(sys.argv[1]).write_text(json.dumps(readings))


def _with_newest(clean: Reading, detector: Detector, rows: pl.DataFrame) -> Reading:
    return replace(clean, weeks=(*clean.weeks[:-1], detector.week_with(detector.judged[-1], rows)))


if __name__ == "__main__":
    main()
