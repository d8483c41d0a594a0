"""Each answer takes three times as long as it should."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from slipway.serving.scoring import Scorer

FACTOR = 3.0
# What is written after a row is scored is as fast as ever, and the answer as a whole is to be slower by the factor.
WRITING = 0.15

_answer_row = Scorer.answer_row


def _answer(self: Scorer, row: dict[str, Any], identity: str, protocol: str, started: float) -> tuple[float, bool]:
    found = _answer_row(self, row, identity, protocol, started)
    taken = perf_counter() - started
    late = started + taken * (FACTOR + (FACTOR - 1.0) * WRITING)
    while perf_counter() < late:
        pass
    return found


Scorer.answer_row = _answer  # type: ignore[method-assign]
