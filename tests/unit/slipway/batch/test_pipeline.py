"""Parts come back in order, whatever the blocks do, and few are held at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from slipway.batch import pipeline
from slipway.batch.inputs import Input
from slipway.batch.pipeline import Scored, score_block, score_parts
from slipway.batch.plan import Part
from slipway.batch.rules import TableRules
from slipway.contracts.request import Breach
from slipway.release import Release

INPUT = Input(Path("a.parquet"), 1000, "", (0, 0))
PARTS = [Part(number, INPUT, 100 * number, 100) for number in range(10)]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "ROWS_PER_BLOCK", 30)


def read(part: Part) -> pl.DataFrame:
    return pl.DataFrame({"n": np.arange(part.offset, part.offset + part.rows)})


def double(block: pl.DataFrame) -> Scored:
    """Twice the number; one that ends in 77 is refused."""
    numbers = block["n"].to_numpy()
    keeps = numbers % 100 != 77
    breaches = [Breach("n", "maximum", int(row), "no") for row in np.flatnonzero(~keeps)]
    return Scored(np.where(keeps, 2.0 * numbers, np.nan), keeps, breaches)


@pytest.mark.parametrize("threads", [1, 3, 40])
def test_scores_and_breaches_stand_at_their_rows(threads: int) -> None:
    found = list(score_parts(PARTS, read, double, threads))
    assert [part for part, _, _ in found] == PARTS
    for part, frame, scored in found:
        assert frame.equals(read(part))
        np.testing.assert_array_equal(scored.scores, double(frame).scores)
        np.testing.assert_array_equal(scored.keeps, double(frame).keeps)
        assert [breach.row for breach in scored.breaches] == [77]


def test_few_parts_are_held_at_a_time() -> None:
    alive, most = 0, 0
    count = threading.Lock()

    def counted(part: Part) -> pl.DataFrame:
        nonlocal alive, most
        with count:
            alive += 1
            most = max(most, alive)
        return read(part)

    for _ in score_parts(PARTS, counted, double, threads=2):
        with count:
            alive -= 1
    assert (alive, most) == (0, 3)


@pytest.mark.parametrize("where", ["read", "score"])
def test_an_error_ends_it_after_the_parts_before_it(where: str) -> None:
    def fail(part: Part) -> pl.DataFrame:
        if part.number == 3 and where == "read":
            raise OSError("gone")
        return read(part)

    def score(block: pl.DataFrame) -> Scored:
        if block["n"][0] == 330 and where == "score":
            raise OSError("gone")
        return double(block)

    found: list[int] = []

    def collect() -> None:
        found.extend(part.number for part, _, _ in score_parts(PARTS, fail, score, threads=2))

    with pytest.raises(OSError, match="gone"):
        collect()
    # Part 3 is read when part 2 is still to be given out.
    assert found == ([0, 1, 2] if where == "score" else [0, 1])
    assert threading.active_count() < 10


def test_rows_that_break_a_rule_are_not_scored(release: Release, rules: TableRules, flights: pl.DataFrame) -> None:
    block = flights.head(100)
    whole = score_block(release, rules, block)
    assert whole.keeps.all()
    number = pl.int_range(pl.len())
    scored = score_block(release, rules, block.with_columns(month=pl.when(number == 7).then(13).otherwise("month")))
    assert [(breach.row, breach.field, breach.rule) for breach in scored.breaches] == [(7, "month", "maximum")]
    assert np.flatnonzero(np.isnan(scored.scores)).tolist() == [7]
    np.testing.assert_array_equal(scored.scores[scored.keeps], np.delete(whole.scores, 7))
    none = score_block(release, rules, block.with_columns(month=pl.lit(13)))
    assert not none.keeps.any()
    assert len(none.breaches) == 100
