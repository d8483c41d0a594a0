"""Ours against a peer: medians over rounds, ratios within each round, bounds, as a table or as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.figures import ratios

_DIGITS = {"/s": 0, "µs": 0, "ms": 2, "MiB": 0, "s": 2}


@dataclass(frozen=True)
class Bound:
    """What the issue asks for.

    Attributes:
        limit: the least or the largest median that is fine.
        least: whether it is the least.
        ratio: whether it holds for the ratio; otherwise for ours alone.
    """

    limit: float
    least: bool = False
    ratio: bool = True

    def met(self, median: float) -> bool:
        """Whether the median keeps it."""
        return median >= self.limit if self.least else median <= self.limit

    def shown(self, unit: str) -> str:
        """As the table shows it; a ratio has no unit."""
        return f"{'>=' if self.least else '<='} {self.limit:g}{'' if self.ratio else f' {unit}'}"


@dataclass(frozen=True)
class Comparison:
    """One quantity of ours and of a peer.

    Attributes:
        benchmark: the group it belongs to.
        name: what was measured.
        unit: "/s" (requests per second), "µs", "ms", "MiB" or "s".
        ours, peer: one value per round, in order.
        bound: what must hold, or None for what is only shown.
    """

    benchmark: str
    name: str
    unit: str
    ours: Sequence[float]
    peer: Sequence[float]
    bound: Bound | None = None

    @property
    def ratios(self) -> list[float]:
        """Ours over the peer's, round by round."""
        return ratios(self.ours, self.peer)

    @property
    def verdict(self) -> str:
        """Either "ok" or "missed"; empty without a bound."""
        if self.bound is None:
            return ""
        return "ok" if self.bound.met(statistics.median(self.ratios if self.bound.ratio else self.ours)) else "missed"

    def as_json(self) -> dict[str, Any]:
        """JSON-ready, with all values."""
        return {
            "benchmark": self.benchmark,
            "figure": self.name,
            "unit": self.unit,
            "ours": _spread(self.ours),
            "peer": _spread(self.peer),
            "ratio": _spread(self.ratios),
            "bound": self.bound.shown(self.unit) if self.bound else None,
            "verdict": self.verdict or None,
        }


def _spread(values: Sequence[float]) -> dict[str, Any]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "values": list(values)}


def table(comparisons: Sequence[Comparison]) -> Table:
    """One row per comparison, one block with a title per benchmark."""
    shown = Table("", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for title in ("ours", "peer", "ratio", "min .. max", "bound"):
        shown.add_column(title, justify="right", no_wrap=True)
    shown.add_column("", no_wrap=True)
    earlier = ""
    for comparison in comparisons:
        if comparison.benchmark != earlier:
            if earlier:
                shown.add_section()
            shown.add_row(f"[bold]{comparison.benchmark}[/bold]")
        shown.add_row(*_cells(comparison))
        earlier = comparison.benchmark
    return shown


def _cells(comparison: Comparison) -> list[str]:
    digits, unit = _DIGITS[comparison.unit], comparison.unit
    found = comparison.ratios
    return [
        f"  {comparison.name}",
        f"{statistics.median(comparison.ours):.{digits}f} {unit}",
        f"{statistics.median(comparison.peer):.{digits}f} {unit}",
        f"{statistics.median(found):.2f}",
        f"{min(found):.2f} .. {max(found):.2f}",
        comparison.bound.shown(unit) if comparison.bound else "",
        {"ok": "[green]ok[/green]", "missed": "[red]missed[/red]"}.get(comparison.verdict, ""),
    ]
