"""It is ready for some seconds, then for some seconds it is not, and so on."""

from __future__ import annotations

from time import monotonic

from slipway.serving.app import App

SECONDS = 6.0


def _ready(self: App) -> bool:
    return bool(self.__dict__["ready"]) and int(monotonic() / SECONDS) % 2 == 0


def _set_ready(self: App, value: bool) -> None:
    self.__dict__["ready"] = value


App.ready = property(_ready, _set_ready)  # type: ignore[assignment]
