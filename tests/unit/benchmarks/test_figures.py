from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from benchmarks.figures import Figure, ratios, table


@pytest.mark.parametrize(("bound", "verdict"), [(2.0, "ok"), (1.99, "over"), (None, "")])
def test_the_median_is_held_against_the_bound(bound: float | None, verdict: str) -> None:
    assert Figure("noop", "ratio", "x", [9.0, 1.0, 2.0], bound).verdict == verdict


def test_ratios_are_taken_within_each_repetition() -> None:
    assert ratios([2.0, 9.0], [1.0, 3.0]) == [2.0, 3.0]
    with pytest.raises(ValueError, match="shorter"):
        ratios([2.0, 9.0], [1.0])


def test_the_table_shows_median_spread_bound_and_verdict() -> None:
    figures = [Figure("noop", "over bare", "x", [1.5, 1.25, 1.375], 1.2), Figure("memory", "largest", "MiB", [700.4])]
    shown = io.StringIO()
    Console(file=shown, width=120).print(table(figures))
    line = next(line for line in shown.getvalue().splitlines() if "over bare" in line)
    assert all(part in line for part in ("noop", "1.38 x", "1.25 .. 1.50", "<= 1.2 x", "over"))
    line = next(line for line in shown.getvalue().splitlines() if "largest" in line)
    assert "700 MiB" in line
    assert "<=" not in line


def test_json_keeps_every_value() -> None:
    found = json.loads(json.dumps(Figure("noop", "over bare", "x", (1.5, 1.0), 1.2).as_json()))
    assert found["values"] == [1.5, 1.0]
    assert (found["median"], found["min"], found["max"], found["verdict"]) == (1.25, 1.0, 1.5, "over")
