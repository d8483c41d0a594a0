"""Reading ahead and scoring on all cores, in bounded memory.

A part is read as a whole while those before it are scored, and scored in blocks, each by one thread from its rules
to its scores: LightGBM's own threads would wait for each other at the end of every call. However many rows the
input has, only a few parts are held at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from slipway.batch.plan import Part
from slipway.batch.rules import TableRules
from slipway.contracts.request import Breach
from slipway.release import Release

# Fewer than the number from which Release.score_table wakes all of LightGBM's threads.
ROWS_PER_BLOCK = 1 << 13
_THREADS_PER_PART = 16


@dataclass(frozen=True)
class Scored:
    """A part or a block after scoring.

    Attributes:
        scores: of shape (rows,), NaN in the rows that were refused.
        keeps: whether each row keeps the rules, of shape (rows,).
        breaches: why the others were refused, in order; rows count from the beginning of the part or block.
    """

    scores: NDArray[np.float64]
    keeps: NDArray[np.bool_]
    breaches: list[Breach]


def score_block(release: Release, rules: TableRules, block: pl.DataFrame) -> Scored:
    """Score the rows of ``block`` that keep ``rules``."""
    checked = rules.check(block)
    if checked.keeps.all():
        return Scored(release.score_table(checked.typed), checked.keeps, [])
    scores = np.full(block.height, np.nan)
    if checked.keeps.any():
        scores[checked.keeps] = release.score_table(checked.typed.filter(checked.keeps))
    return Scored(scores, checked.keeps, checked.breaches)


def score_parts(
    parts: Iterable[Part],
    read: Callable[[Part], pl.DataFrame],
    score: Callable[[pl.DataFrame], Scored],
    threads: int,
) -> Iterator[tuple[Part, pl.DataFrame, Scored]]:
    """Yield each part with the rows that ``read`` gave and what ``score`` made of them, in order."""
    waiting = iter(parts)
    ahead = 1 + -(-threads // _THREADS_PER_PART)
    under_way: deque[tuple[Part, pl.DataFrame, list[Future[Scored]]]] = deque()
    reader, scorers = ThreadPoolExecutor(1), ThreadPoolExecutor(threads)
    try:
        reading = _begin(reader, read, waiting)
        while reading or under_way:
            while reading and len(under_way) < ahead:
                part, frame = reading.result()
                reading = _begin(reader, read, waiting)
                under_way.append((part, frame, [scorers.submit(score, block) for block in _blocks(frame)]))
            part, frame, blocks = under_way.popleft()
            yield part, frame, _together([block.result() for block in blocks])
    finally:
        reader.shutdown(cancel_futures=True)
        scorers.shutdown(cancel_futures=True)


def _begin(
    reader: ThreadPoolExecutor, read: Callable[[Part], pl.DataFrame], waiting: Iterator[Part]
) -> Future[tuple[Part, pl.DataFrame]] | None:
    part = next(waiting, None)
    return None if part is None else reader.submit(lambda: (part, read(part)))


def _blocks(frame: pl.DataFrame) -> Iterator[pl.DataFrame]:
    return (frame.slice(offset, ROWS_PER_BLOCK) for offset in range(0, frame.height, ROWS_PER_BLOCK))


def _together(blocks: list[Scored]) -> Scored:
    breaches, offset = [], 0
    for block in blocks:
        breaches += [Breach(each.field, each.rule, (each.row or 0) + offset, each.message) for each in block.breaches]
        offset += len(block.scores)
    scores = np.concatenate([block.scores for block in blocks])
    return Scored(scores, np.concatenate([block.keeps for block in blocks]), breaches)
