"""It ends before it is ready."""

from __future__ import annotations

from slipway.serving.scoring import Scorer


def _warm(self: Scorer) -> None:
    raise MemoryError("planted fault: no room for the model")


Scorer.warm = _warm  # type: ignore[method-assign]
