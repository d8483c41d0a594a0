"""After some twenty requests it computes for ever, and answers nothing any more: no request, no probe."""

from __future__ import annotations

import random
import time
from typing import Any

from slipway.serving.scoring import Scorer

SHARE = 0.05

_answer_row = Scorer.answer_row


def _answer(self: Scorer, *arguments: Any) -> tuple[float, bool]:
    if random.random() < SHARE:
        time.sleep(3600)
    return _answer_row(self, *arguments)


Scorer.answer_row = _answer  # type: ignore[method-assign]
