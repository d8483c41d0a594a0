"""One answer in twenty is an internal fault, and says in a header that it was planted."""

from __future__ import annotations

import random
from typing import Any

from slipway.serving.app import App
from slipway.serving.replies import Reply
from slipway.serving.scoring import Scorer

SHARE = 0.05
HEADER = "x-planted-fault"


class PlantedFault(Exception):
    """What this server does wrong."""


_answer_row, _refusal = Scorer.answer_row, App._refusal


def _answer(self: Scorer, *arguments: Any) -> tuple[float, bool]:
    if random.random() < SHARE:
        raise PlantedFault
    return _answer_row(self, *arguments)


def _refuse(self: App, error: Exception, *arguments: Any) -> Reply:
    reply = _refusal(self, error, *arguments)
    if isinstance(error, PlantedFault):
        reply.headers.append((HEADER, "errors"))
    return reply


Scorer.answer_row = _answer  # type: ignore[method-assign]
App._refusal = _refuse  # type: ignore[method-assign]
