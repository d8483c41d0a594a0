"""One window against its reference: an effect in 0..1 and a p-value per figure.

Each watched column gives up to three figures:

===============  ===========================================================================
``x``            Kolmogorov-Smirnov distance (numeric) or Cramér's V (categorical) of the values that are there
``x_missing``    how much the share of missing values differs
``x_lost``       categorical only: the largest part of its share that a category of some weight has lost
===============  ===========================================================================
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from slipway.drift import two_sample
from slipway.drift.watch import Watch
from slipway.errors import UsageError

FEWEST_PRESENT = 30
# Rows that share an hour share its weather: fewer than this are a handful of hours.
FEWEST_AT_STATION = 100
# A rarer category comes and goes by chance, or by the season.
WEIGHTY_SHARE = 0.01


Outcome = tuple[float, float | None]
Stations = dict[str, NDArray[np.bool_]]
NumericTest = Callable[[NDArray[np.float64]], two_sample.Outcome]


class UnmeasurableFeatureError(UsageError):
    """A watched column holds NaN, an infinity, or too few values to be compared."""


def check(frame: pl.DataFrame, watch: Watch, where: str) -> None:
    """Refuse a view that cannot be compared, naming the feature: a NaN would give a NaN p-value, which alarms nobody.

    Args:
        frame: what ``watch.view`` returned.
        watch: which columns must be there.
        where: which rows these are, for the message.

    Raises:
        UnmeasurableFeatureError: a column is absent, holds NaN or an infinity, or has fewer than FEWEST_PRESENT values.
    """
    names = (*watch.numeric, *watch.categorical)
    for name in names:
        if name not in frame.columns:
            raise UnmeasurableFeatureError(
                f"The drift view lacks the column {name!r}.", "Mend the model's drift_view.py."
            )
    finite = frame.select(pl.col(name).cast(pl.Float64).is_finite().all() for name in watch.numeric).row(0, named=True)
    present = frame.select(pl.col(name).count() for name in names).row(0, named=True)
    for name in names:
        if not finite.get(name, True):
            raise _nan_in(name, where)
        if present[name] < FEWEST_PRESENT:
            raise UnmeasurableFeatureError(
                f"Feature {name!r} has {present[name]} values in {where}; a comparison needs {FEWEST_PRESENT}.",
                "Restore its source, or take it out of the model's drift_view.py.",
            )


def check_raw(rows: pl.DataFrame, where: str) -> None:
    """Refuse raw rows with NaN: a view that takes one row per hour might step over it."""
    floats = [name for name, dtype in rows.schema.items() if dtype.is_float()]
    holds_nan = rows.select(pl.col(name).is_nan().any() for name in floats)
    for name in floats:
        if holds_nan[name][0]:
            raise _nan_in(name, where)


def _nan_in(name: str, where: str) -> UnmeasurableFeatureError:
    return UnmeasurableFeatureError(
        f"Feature {name!r} holds NaN or an infinity in {where}; a missing value must be null.",
        "Find the source that writes it: the contract gate lets only null pass.",
    )


class Comparison:
    """A reference, ready to be compared with windows.

    Args:
        reference: view of the reference rows.
        watch: the columns to compare.
        rows: how many values of a numeric column are compared at most, spread evenly over the rows.
        where: which rows these are, for messages.
    """

    def __init__(self, reference: pl.DataFrame, watch: Watch, rows: int, where: str) -> None:
        check(reference, watch, where)
        self._watch = watch
        self._rows = rows
        self._reference = reference
        self._stations = _stations(reference, watch)
        self._numeric_tests: dict[str, dict[str, NumericTest]] = {}
        self._categorical_tests: dict[str, Callable[[pl.Series], two_sample.Outcome]] = {}

    def outcomes(self, window: pl.DataFrame, where: str) -> dict[str, Outcome]:
        """Effect and p-value of each figure of ``window``, a view; shares have no test and None."""
        check(window, self._watch, where)
        return self._columns((*self._watch.numeric, *self._watch.categorical), window, where)

    def alarms(self, window: pl.DataFrame, quiet: pl.DataFrame, thresholds: Mapping[str, float]) -> bool:
        """Whether a figure of ``window`` passes its threshold, given that none of the view ``quiet`` does.

        Only columns that differ from ``quiet`` are tested, the sharpest (those named last) first, up to an alarm.
        """
        for name in reversed((*self._watch.numeric, *self._watch.categorical)):
            if not window[name].equals(quiet[name]):
                found = self._columns([name], window, "a week with a shift")
                if any(effect > thresholds[figure] for figure, (effect, _) in found.items()):
                    return True
        return False

    def _columns(self, names: Sequence[str], window: pl.DataFrame, where: str) -> dict[str, Outcome]:
        stations = _stations(window, self._watch)
        found: dict[str, Outcome] = {}
        for name in names:
            values, reference = window[name], self._reference[name]
            missing = abs(values.null_count() / len(values) - reference.null_count() / len(reference))
            found[f"{name}_missing"] = (missing, None)
            if name in self._watch.categorical:
                found[name] = self._categorical(name, values.drop_nulls())
                found[f"{name}_lost"] = (largest_loss(reference, values), None)
            else:
                found[name] = self._numeric(name, values, stations, where)
            _refuse_nan(name, found[name], where)
        return found

    def _categorical(self, name: str, values: pl.Series) -> Outcome:
        if name not in self._categorical_tests:
            self._categorical_tests[name] = two_sample.chi_squared(self._reference[name].drop_nulls())
        return self._categorical_tests[name](values)

    def _numeric(self, name: str, values: pl.Series, stations: Stations, where: str) -> Outcome:
        """The outcome of the station that lies furthest off; one with too few values counts as missing, not here."""
        if name not in self._numeric_tests:
            reference = self._parts(name, self._reference[name], self._stations)
            self._numeric_tests[name] = {
                station: two_sample.kolmogorov_smirnov(part) for station, part in reference.items()
            }
        tests = self._numeric_tests[name]
        parts = self._parts(name, values, stations)
        outcomes = [tests[station](part) for station, part in parts.items() if station in tests]
        if not outcomes:
            raise UnmeasurableFeatureError(
                f"Feature {name!r} has fewer than {FEWEST_AT_STATION} values at every station in {where}.",
                "Restore its source, or take it out of the model's drift_view.py.",
            )
        return max(outcomes, key=lambda outcome: outcome[0])

    def _parts(self, name: str, values: pl.Series, stations: Stations) -> dict[str, NDArray[np.float64]]:
        """The values that are there, by station if the column is watched so, else all under one name."""
        numbers = values.cast(pl.Float64).to_numpy()
        present = ~np.isnan(numbers)
        if name not in self._watch.by_station:
            return {"": self._thinned(numbers[present])}
        parts = {station: numbers[present & rows] for station, rows in stations.items()}
        return {station: self._thinned(part) for station, part in parts.items() if len(part) >= FEWEST_AT_STATION}

    def _thinned(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        if len(numbers) <= self._rows:
            return numbers
        return numbers[np.linspace(0, len(numbers) - 1, self._rows).astype(np.int64)]


def _refuse_nan(name: str, outcome: Outcome, where: str) -> None:
    if not all(value is None or math.isfinite(value) for value in outcome):
        raise UnmeasurableFeatureError(
            f"The test of feature {name!r} in {where} gave effect and p-value {outcome}, which say nothing.",
            "Look at its values there: they may all be equal, or belong to one category.",
        )


def _stations(view: pl.DataFrame, watch: Watch) -> Stations:
    column = view[watch.faults.station]
    return {station: (column == station).to_numpy() for station in column.unique().sort().to_list()}


def largest_loss(reference: pl.Series, values: pl.Series) -> float:
    """The largest part of its share that a category of at least WEIGHTY_SHARE has lost; 1 if it vanished."""
    before = reference.drop_nulls().value_counts(normalize=True, name="before")
    after = values.drop_nulls().value_counts(normalize=True, name="after")
    shares = before.join(after, on=reference.name, how="left").filter(pl.col("before") >= WEIGHTY_SHARE)
    kept = (shares["after"].fill_null(0.0) / shares["before"]).min()
    return 0.0 if kept is None else max(0.0, 1.0 - float(kept))  # type: ignore[arg-type]
