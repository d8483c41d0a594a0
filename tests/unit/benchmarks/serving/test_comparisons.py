from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from benchmarks.serving.comparisons import Bound, Comparison, table

FASTER = Comparison("speed", "answers", "/s", [1000, 3000, 2000], [100, 100, 400], Bound(10, least=True))


def test_ratios_are_taken_within_each_round() -> None:
    assert FASTER.ratios == [10, 30, 5]
    assert FASTER.as_json()["ratio"] == {"median": 10, "min": 5, "max": 30, "values": [10, 30, 5]}


@pytest.mark.parametrize(
    ("bound", "verdict"),
    [
        (None, ""),
        (Bound(10, least=True), "ok"),
        (Bound(10.1, least=True), "missed"),
        (Bound(10), "ok"),
        (Bound(9.9), "missed"),
        (Bound(2000, ratio=False), "ok"),
        (Bound(1999, ratio=False), "missed"),
    ],
)
def test_a_bound_holds_for_the_median(bound: Bound | None, verdict: str) -> None:
    assert Comparison("speed", "answers", "/s", FASTER.ours, FASTER.peer, bound).verdict == verdict


def test_the_table_shows_medians_spread_and_verdict() -> None:
    console = Console(width=100, file=StringIO())
    console.print(table([FASTER, Comparison("memory", "worker", "MiB", [100], [50], Bound(90, ratio=False))]))
    assert isinstance(console.file, StringIO)
    lines = [" ".join(line.split()) for line in console.file.getvalue().splitlines()]
    assert "answers 2000 /s 100 /s 10.00 5.00 .. 30.00 >= 10 ok" in lines
    assert "worker 100 MiB 50 MiB 2.00 2.00 .. 2.00 <= 90 MiB missed" in lines
    assert [title for title in lines if title in ("speed", "memory")] == ["speed", "memory"]
