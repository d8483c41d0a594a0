"""One request in twenty is never answered; the others are, and so are probes, as if nothing were wrong."""

from __future__ import annotations

import random

from slipway.serving.http import Connection

SHARE = 0.05

_on_message_complete = Connection.on_message_complete


def _swallow(self: Connection) -> None:
    if self._method != b"POST" or random.random() >= SHARE:
        _on_message_complete(self)


Connection.on_message_complete = _swallow  # type: ignore[method-assign]
