"""Once it has answered somebody, it is not ready for some seconds, then for some seconds it is, and so on."""

from __future__ import annotations

from time import monotonic
from typing import Any

from slipway.serving.app import App
from slipway.serving.scoring import Scorer

SECONDS = 6.0

_answer_row = Scorer.answer_row
_begun: list[float] = []


def _answer(self: Scorer, *arguments: Any) -> tuple[float, bool]:
    if not _begun:
        _begun.append(monotonic())
    return _answer_row(self, *arguments)


def _ready(self: App) -> bool:
    wobbles = bool(_begun) and int((monotonic() - _begun[0]) / SECONDS) % 2 == 0
    return bool(self.__dict__["ready"]) and not wobbles


def _set_ready(self: App, value: bool) -> None:
    self.__dict__["ready"] = value


Scorer.answer_row = _answer  # type: ignore[method-assign]
App.ready = property(_ready, _set_ready)  # type: ignore[assignment]
