"""What a server does beside answering: measuring its queue, refusing late requests, telling of many refusals."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from time import perf_counter

from slipway.serving.app import App
from slipway.serving.listener import Listener

log = logging.getLogger("slipway.serving")

TICK_SECONDS = 0.1
REPORT_SECONDS = 10.0
# Fewer refused requests in REPORT_SECONDS than this are not worth a line.
EXCESS = 100
_FAULTS = range(400, 499)


class Watch:
    """Looks after one app and its connections, ten times a second."""

    def __init__(self, app: App, listener: Listener) -> None:
        self._app = app
        self._listener = listener
        self._metrics = app.metrics
        self._statuses: Counter[int] = Counter()
        self._failures: Counter[str] = Counter()

    async def run(self) -> None:
        """Go on until cancelled, whatever goes wrong."""
        loop = asyncio.get_running_loop()
        reported = perf_counter()
        while True:
            await asyncio.sleep(TICK_SECONDS)
            # What arrives now is read when all that the loop has in hand is done: so is this.
            loop.call_soon(self._arrived, perf_counter())
            try:
                self._app.tick()
                self._listener.expire()
                if self._metrics.board is not None:
                    self._metrics.board.publish(self._metrics.figures())
                if perf_counter() - reported >= REPORT_SECONDS:
                    reported = perf_counter()
                    self.report()
            except Exception:
                log.exception("internal fault of the watch")

    def _arrived(self, due: float) -> None:
        self._metrics.queue.observe(perf_counter() - due)

    def report(self) -> None:
        """Tell of the refusals since the last report, where they are many."""
        statuses, failures = self._metrics.statuses(), self._metrics.failures.copy()
        refused = {code: count for code, count in (statuses - self._statuses).items() if code in _FAULTS}
        rules = dict(failures - self._failures)
        self._statuses, self._failures = statuses, failures
        total = sum(refused.values())
        if total >= EXCESS:
            said = {"refused": total, "statuses": {str(code): count for code, count in refused.items()}, "rules": rules}
            log.warning("many requests refused: %d in %g s", total, REPORT_SECONDS, extra=said)
