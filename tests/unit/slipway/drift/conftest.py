"""The main environment lacks alibi-detect, so these tests put the same tests of scipy in its place."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from slipway.drift import two_sample
from slipway.drift.settings import Settings
from slipway.drift.watch import Faults, Watch

FIRST = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def scipy_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_sample, "kolmogorov_smirnov", _kolmogorov_smirnov)
    monkeypatch.setattr(two_sample, "chi_squared", _chi_squared)


def _kolmogorov_smirnov(reference: np.ndarray) -> Callable[[np.ndarray], two_sample.Outcome]:
    def test(values: np.ndarray) -> two_sample.Outcome:
        found = stats.ks_2samp(reference, values, method="asymp")
        return float(found.statistic), float(found.pvalue)

    return test


def _chi_squared(reference: pl.Series) -> Callable[[pl.Series], two_sample.Outcome]:
    def test(values: pl.Series) -> two_sample.Outcome:
        names = sorted({*reference.to_list(), *values.to_list()})
        if len(names) == 1:
            return 0.0, 1.0
        table = [[(series == name).sum() for name in names] for series in (reference, values)]
        statistic, p_value, *_ = stats.chi2_contingency(table)
        return math.sqrt(statistic / (len(reference) + len(values))), float(p_value)

    return test


@pytest.fixture
def settings() -> Settings:
    return Settings(
        judged_weeks=2,
        reference_weeks=4,
        material_effect=0.05,
        family_alarm_rate=0.01,
        fewest_null_weeks=12,
        power_every=8,
        compared_rows=500,
        sample_rows=1000,
    )


@pytest.fixture
def watched() -> Watch:
    faults = Faults(
        sensors=("level",),
        station="station",
        vanishing=("kind",),
        station_shift={"level": 4.0},
        shift={"steady": 1.0},
        limit={},
        circular={},
    )
    return Watch(
        time="time",
        numeric=("level", "steady"),
        categorical=("kind", "station"),
        by_station=("level",),
        view=lambda raw: raw.select("level", "steady", "kind", "station"),
        faults=faults,
    )


@pytest.fixture
def history() -> Callable[[int], pl.DataFrame]:
    """Rows every quarter of an hour at two stations in turn; ``level`` has a season of a year, ``steady`` has none."""

    def make(days: int) -> pl.DataFrame:
        rows = days * 96
        random = np.random.default_rng(11)
        day = np.arange(rows) / 96
        return pl.DataFrame(
            {
                "time": [FIRST + timedelta(minutes=15 * row) for row in range(rows)],
                "level": 10 * np.sin(2 * np.pi * day / 364) + random.normal(size=rows),
                "steady": random.normal(size=rows),
                "kind": random.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1]),
                "station": np.where(np.arange(rows) % 2 == 0, "north", "south"),
            }
        )

    return make
