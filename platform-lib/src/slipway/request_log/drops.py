"""Records that are lost, counted by reason and told once a minute, without any of their values."""

from __future__ import annotations

import logging
import time
from collections import Counter

log = logging.getLogger("slipway.request_log")

PENDING = "too many records wait in memory"
SPOOL = "the spool is full"
DISK = "the spool cannot be written"
REFUSED = "JetStream refuses the message"
OVERSIZE = "one row is longer than a message may be"
UNENCODABLE = "a value cannot be written as JSON"
_EVERY_SECONDS = 60.0


class Drops:
    """What was lost so far.

    Attributes:
        total: number of records.
    """

    def __init__(self) -> None:
        self.total = 0
        self._untold: Counter[str] = Counter()
        self._told = -_EVERY_SECONDS

    def count(self, records: int, reason: str) -> None:
        """Count lost records."""
        if records:
            self.total += records
            self._untold[reason] += records

    def tell(self, *, now: bool = False) -> None:
        """Log what was not told yet, if the last time is a minute ago or ``now`` asks for it."""
        if self._untold and (now or time.monotonic() - self._told >= _EVERY_SECONDS):
            reasons = "; ".join(f"{records}: {reason}" for reason, records in sorted(self._untold.items()))
            log.error("the request log dropped %d records (%s)", self._untold.total(), reasons)
            self._untold.clear()
            self._told = time.monotonic()
