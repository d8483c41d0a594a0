"""Whole weeks of history, and the rows that each is compared with.

Only whole calendar weeks are compared, because a week's days differ; what comes before the first Monday or after
the last Sunday is left to the next run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import polars as pl

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
# 52 weeks, not a calendar year, so that Mondays meet Mondays.
SEASON = 52 * WEEK

Kind = Literal["season", "nearest"]


@dataclass(frozen=True, order=True)
class Window:
    """The time from ``start`` (included) to ``end`` (excluded)."""

    start: datetime
    end: datetime

    @property
    def month(self) -> str:
        """The month of its first day, as in 2013-09."""
        return f"{self.start:%Y-%m}"

    @property
    def name(self) -> str:
        """Its first and last day."""
        return f"{self.start:%Y-%m-%d}..{self.end - DAY:%Y-%m-%d}"

    def rows(self, frame: pl.DataFrame, time: str) -> pl.DataFrame:
        """The rows of ``frame`` (sorted by ``time``) that fall into the window."""
        low = frame[time].search_sorted(self.start, side="left")
        high = frame[time].search_sorted(self.end, side="left")
        return frame.slice(int(low), int(high) - int(low))


def whole_weeks(first: datetime, last: datetime) -> list[Window]:
    """The weeks, Monday to Sunday, that lie between two rows' times, oldest first.

    A week counts as covered if there are rows of its first and of its last day.
    """
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = midnight + (-midnight.weekday() % 7) * DAY
    weeks = []
    while last >= monday + WEEK - DAY:
        weeks.append(Window(monday, monday + WEEK))
        monday += WEEK
    return weeks


def reference(window: Window, kind: Kind, weeks: int, first: datetime) -> list[Window]:
    """The spans of history to compare ``window`` with; an empty list if history does not hold them.

    Args:
        window: the week to compare.
        kind: ``season`` takes ``weeks`` weeks and half of them on either side, in each earlier year that history
            holds; ``nearest`` takes the ``weeks`` weeks before the window.
        weeks: how many weeks make a reference.
        first: time of the oldest row.
    """
    begin = first.replace(hour=0, minute=0, second=0, microsecond=0)
    if kind == "nearest":
        span = Window(window.start - weeks * WEEK, window.start)
        return [span] if span.start >= begin else []
    margin = weeks // 2 * WEEK
    spans = []
    years = 1
    while (start := window.start - years * SEASON - margin) >= begin:
        # A wide margin must not reach into the window itself or what comes after it.
        spans.append(Window(start, min(window.end - years * SEASON + margin, window.start)))
        years += 1
    return sorted(spans)


def best_kind(training: Sequence[Window], judged: Sequence[Window], weeks: int, first: datetime, fewest: int) -> Kind:
    """``season`` where history holds one for all ``judged`` weeks and for enough weeks to calibrate on.

    Effects against another year and against last month spread differently, so one kind serves a whole run.
    """
    matched = [window for window in training if reference(window, "season", weeks, first)]
    if len(matched) >= fewest and all(reference(window, "season", weeks, first) for window in judged):
        return "season"
    return "nearest"
