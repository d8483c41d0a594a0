"""From records to messages, a few at a time, so that the server answers in between."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterator

from slipway.request_log.drops import OVERSIZE, PENDING, UNENCODABLE, Drops
from slipway.request_log.events import Batch, Encoder, Oversize, unique_id
from slipway.request_log.records import Answered, Record

_PIECE = 32  # records encoded in one go: about 0.15 ms


class Batching:
    """Records that wait, and the message that they are encoded into.

    Everything that is not in a finished batch is held here, so that the end of a task loses none of it.
    """

    def __init__(self, encoder: Encoder, subject: str, batch_records: int, max_pending: int, drops: Drops) -> None:
        self._encoder = encoder
        self._subject = subject
        self._batch_records = batch_records
        self._max_pending = max_pending
        self._drops = drops
        self._records: deque[Record] = deque()
        self._ready: deque[tuple[int, bytes]] = deque()
        self._pieces: list[bytes] = []
        self._events = 0
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._records) + sum(events for events, _ in self._ready) + self._events

    def add(self, record: Record) -> None:
        """Take a record, or count it when too many wait."""
        if len(self._records) < self._max_pending:
            self._records.append(record)
        else:
            self._drops.count(1, PENDING)

    async def batches(self, max_bytes: int) -> AsyncIterator[Batch]:
        """All that waits, as messages of at most ``max_bytes``; other tasks run between the pieces."""
        while self._records or self._ready:
            if not self._ready:
                self._ready.extend(self._next_pieces(max_bytes - 2))
            while self._ready:
                events, piece = self._ready[0]
                full = self._events + events > self._batch_records or self._bytes + len(piece) + 2 > max_bytes
                if self._events and full:
                    yield self._batch()
                self._ready.popleft()
                self._pieces.append(piece)
                self._events += events
                self._bytes += len(piece) + 1
            await asyncio.sleep(0)
        if self._events:
            yield self._batch()

    def _batch(self) -> Batch:
        batch = Batch(unique_id(), self._subject, self._events, b"[" + b",".join(self._pieces) + b"]")
        self._pieces, self._events, self._bytes = [], 0, 0
        return batch

    def _next_pieces(self, limit: int) -> Iterator[tuple[int, bytes]]:
        records = self._take()
        try:
            return iter(list(self._encoder.pieces(records, limit)))
        except Exception:  # Some value of some record; each for itself shows which.
            return self._one_by_one(records, limit)

    def _one_by_one(self, records: list[Record], limit: int) -> Iterator[tuple[int, bytes]]:
        for record in records:
            try:
                pieces = list(self._encoder.pieces([record], limit))
            except Oversize:
                self._drops.count(1, OVERSIZE)
            except Exception:
                self._drops.count(1, UNENCODABLE)
            else:
                yield from pieces

    def _take(self) -> list[Record]:
        records: list[Record] = []
        rows = 0
        most = min(_PIECE, self._batch_records)
        while self._records and len(records) < most and rows < most:
            record = self._records.popleft()
            records.append(record)
            rows += len(record.scores) if isinstance(record, Answered) else 1
        return records
