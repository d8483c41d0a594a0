"""Training on the past, judging on the future: the only split there is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from slipway.errors import EnvironmentFault, UsageError


@dataclass(frozen=True)
class Split:
    """Periods ("2013-09") to train on and to judge on, each in order of time."""

    train: list[str]
    evaluation: list[str]


def split(available: Iterable[str], train_through: str, evaluate_months: int) -> Split:
    """Split the available periods in time.

    Raises:
        UsageError: when a period that the parameters name does not exist.
    """
    periods = sorted(available)
    absent = sorted(set(months_between(periods[0], periods[-1])) - set(periods)) if periods else []
    if absent:
        raise UsageError(
            f"There is no data of {', '.join(absent)}, between {periods[0]} and {periods[-1]}.",
            "Ingest these months too; a split through a gap would not be what it says.",
        )
    if train_through not in periods:
        raise UsageError(
            f"split.train_through is {train_through}, but there is no such month.",
            f"params.yaml may name {periods[0]} to {periods[-1]}." if periods else "There is no data: run `dvc repro`.",
        )
    cut = periods.index(train_through) + 1
    evaluation = periods[cut : cut + evaluate_months]
    if len(evaluation) < evaluate_months:
        raise UsageError(
            f"split.evaluate_months is {evaluate_months}, but only {len(evaluation)} months follow {train_through}.",
            "Train through an earlier month, or judge on fewer.",
        )
    return Split(periods[:cut], evaluation)


def months_between(first: str, last: str) -> list[str]:
    """Every month from ``first`` to ``last`` ("2013-01"), both included."""
    start, end = (int(month[:4]) * 12 + int(month[5:]) - 1 for month in (first, last))
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(start, end + 1)]


def partitions(folder: Path) -> list[str]:
    """The periods of the month partitions in ``folder``."""
    found = sorted(file.stem for file in folder.glob("*.parquet"))
    if not found:
        raise EnvironmentFault(f"{folder} holds no month partitions.", "Run `dvc repro` to make them.")
    return found


def read(folder: Path, periods: Iterable[str]) -> pl.DataFrame:
    """The rows of ``periods``, in order of time."""
    return pl.concat([pl.read_parquet(folder / f"{period}.parquet") for period in periods])
