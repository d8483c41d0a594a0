"""Figures of a benchmark: medians over repetitions, held against a bound, as a table or as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

DIGITS = {"s": 2, "MiB": 0, "x": 2}


@dataclass(frozen=True)
class Figure:
    """One measured quantity.

    Attributes:
        benchmark: the benchmark it belongs to.
        name: what was measured.
        unit: "s", "MiB", or "x" for a ratio; a ratio is taken within each repetition.
        values: one per repetition, in order.
        bound: the largest median that is fine, or None for a figure that is only shown.
    """

    benchmark: str
    name: str
    unit: str
    values: Sequence[float]
    bound: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """Either "ok" or "over"; empty without a bound."""
        if self.bound is None:
            return ""
        return "ok" if self.median <= self.bound else "over"

    def as_json(self) -> dict[str, Any]:
        """JSON-ready, with all values."""
        return {
            "benchmark": self.benchmark,
            "figure": self.name,
            "unit": self.unit,
            "median": self.median,
            "min": min(self.values),
            "max": max(self.values),
            "values": list(self.values),
            "bound": self.bound,
            "verdict": self.verdict or None,
        }


def ratios(values: Sequence[float], peers: Sequence[float]) -> list[float]:
    """Each value over its peer's of the same repetition."""
    return [value / peer for value, peer in zip(values, peers, strict=True)]


def table(figures: Sequence[Figure]) -> Table:
    """One row per figure, one block per benchmark."""
    shown = Table("benchmark", "figure", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for title in ("median", "min .. max", "bound"):
        shown.add_column(title, justify="right", no_wrap=True)
    shown.add_column("")
    earlier = figures[0].benchmark
    for number, figure in enumerate(figures):
        if figure.benchmark != earlier:
            shown.add_section()
        shown.add_row(
            figure.benchmark if number == 0 or figure.benchmark != earlier else "",
            figure.name,
            f"{_number(figure.median, figure)} {figure.unit}",
            f"{_number(min(figure.values), figure)} .. {_number(max(figure.values), figure)}",
            "" if figure.bound is None else f"<= {figure.bound:g} {figure.unit}",
            {"ok": "[green]ok[/green]", "over": "[red]over[/red]"}.get(figure.verdict, ""),
        )
        earlier = figure.benchmark
    return shown


def _number(value: float, figure: Figure) -> str:
    return f"{value:.{DIGITS[figure.unit]}f}"
