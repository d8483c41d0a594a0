"""RequestLog: what the model server holds. It takes records at once and sees to the rest by itself."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from slipway.errors import UsageError
from slipway.request_log import access
from slipway.request_log.batching import Batching
from slipway.request_log.connection import Connection, NotTaken
from slipway.request_log.drops import DISK, REFUSED, SPOOL, Drops
from slipway.request_log.events import MOST_AT_ONCE, Batch, Encoder
from slipway.request_log.personal import Redaction
from slipway.request_log.records import Answered, Feedback, Served
from slipway.request_log.settings import Settings
from slipway.request_log.spool import Spool, Spooled

log = logging.getLogger("slipway.request_log")
Result = TypeVar("Result")

WINDOW = 16
_RETRY_SECONDS = 1.0
_ADOPT_SECONDS = 60.0
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")


@dataclass
class _Sent:
    """A batch that JetStream has not acknowledged; without a future it was not sent yet."""

    batch: Batch
    deadline: float
    future: asyncio.Future[None] | None = None

    def taken(self) -> bool:
        done = self.future is not None and self.future.done() and not self.future.cancelled()
        return done and self.future is not None and self.future.exception() is None

    def refused(self) -> bool:
        done = self.future is not None and self.future.done() and not self.future.cancelled()
        error = self.future.exception() if done and self.future is not None else None
        return isinstance(error, NotTaken) and error.final

    def open(self, now: float) -> bool:
        return self.future is not None and not self.future.done() and now < self.deadline


class RequestLog:
    """Publishes what a server answered.

    While NATS takes every batch in time, batches go straight to it, several unacknowledged at once. As soon as one
    is not taken (no connection, no acknowledgement in time, an error, too many unacknowledged), all that are
    unacknowledged and all that come after go through the spool, in order, until it has been emptied into NATS. A batch
    keeps its id on either way, so that JetStream and the collector know it again.

    All methods belong to the thread of the event loop.
    """

    def __init__(self, settings: Settings, served: Served) -> None:
        """Make ready to take records; nothing runs before :meth:`start`.

        Raises:
            TokenKeyMissing: when a field is logged as a token and there is no key.
            EnvironmentFault: when a file that NATS is reached by cannot be used.
            UsageError: when the model's name cannot be part of a subject, or a batch is larger than it may be.
        """
        if not _TOKEN.fullmatch(served.model):
            raise UsageError(f"The model's name {served.model!r} cannot be a NATS subject.", "Use letters, digits, _.")
        if not 1 <= settings.batch_records <= MOST_AT_ONCE:
            raise UsageError(f"batch_records is {settings.batch_records}, not 1 to {MOST_AT_ONCE}.", "Change it.")
        access.check(settings.access)
        self._settings = settings
        self._drops = Drops()
        encoder = Encoder(served, Redaction(served.fields, settings.token_key_file))
        subject = f"{settings.subjects}.{served.model}"
        self._batching = Batching(encoder, subject, settings.batch_records, settings.max_pending, self._drops)
        self._spool = Spool(settings.spool, settings.max_spool_bytes)
        self._connection = Connection(settings)
        # One thread, so that what is written stays in order.
        self._disk = ThreadPoolExecutor(1, thread_name_prefix="slipway-spool")
        self._window: deque[_Sent] = deque()
        self._replaying: deque[Batch] = deque()
        self._published = self._spooled = self._replayed = 0
        self._closing = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def answered(self, record: Answered) -> None:
        """Take an answer; never blocks, never raises."""
        self._batching.add(record)

    def feedback(self, record: Feedback) -> None:
        """Take feedback; never blocks, never raises."""
        self._batching.add(record)

    def counts(self) -> dict[str, int]:
        """Numbers of records so far: published directly, spooled, replayed from the spool (also what other processes
        left there), dropped; those pending in memory; bytes in the spool; 1 if connected.

        A request that is longer than one message counts once for each of its messages.
        """
        return {
            "published": self._published,
            "spooled": self._spooled,
            "replayed": self._replayed,
            "dropped": self._drops.total,
            "pending": len(self._batching) + sum(sent.batch.records for sent in self._window),
            "spool_bytes": self._spool.bytes,
            "connected": int(self._connection.up),
        }

    async def start(self) -> None:
        """Open the spool and begin to connect and to send; does not wait for NATS.

        Raises:
            EnvironmentFault: when the spool's folder cannot be used.
        """
        await self._on_disk(self._spool.open)
        self._connection.start()
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._pump()), loop.create_task(self._replay())]

    async def close(self, seconds: float) -> None:
        """Within ``seconds``, see everything to NATS or, failing that, to the spool, and stop."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        self._closing.set()
        if self._tasks:
            await asyncio.wait(self._tasks[:1])  # Not ended in the midst: what it has in hand would be lost.
        await _ended(self._tasks[1:], 0)
        async for batch in self._batching.batches(self._connection.max_bytes):
            await self._send(batch)
        futures = [sent.future for sent in self._window if sent.future is not None]
        if futures and self._connection.up:
            await asyncio.wait(futures, timeout=max(0.0, deadline - loop.time()) / 2)
        await self._settle(last=True)
        await self._on_disk(self._spool.close)
        self._disk.shutdown(wait=False)
        await self._connection.close()
        self._drops.tell(now=True)

    async def _pump(self) -> None:
        """Send what came in, every interval."""
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._settings.interval_seconds)
            try:
                async for batch in self._batching.batches(self._connection.max_bytes):
                    await self._send(batch)
                await self._settle()
                self._drops.tell()
            except Exception as error:
                _log_fault(error)

    async def _send(self, batch: Batch) -> None:
        """Publish a batch if all is well, or else spool it after those before it."""
        sent = _Sent(batch, asyncio.get_running_loop().time() + self._settings.ack_seconds)
        try:
            await self._settle()
            if len(self._window) == WINDOW and (oldest := self._window[0].future) is not None:
                await asyncio.wait([oldest], timeout=self._settings.interval_seconds)
                await self._settle()
            room = len(self._window) < WINDOW
        finally:
            self._window.append(sent)  # Whatever happened before; without a future it will be spooled.
        if room and self._connection.up and not self._spool.segments:
            with contextlib.suppress(NotTaken):  # It stays without a future, and is spooled for that.
                sent.future = await self._connection.publish(batch)
        if sent.future is None:
            await self._retreat()

    async def _settle(self, *, last: bool = False) -> None:
        """Forget what is acknowledged; if something is not in time, or this is the last time, spool the rest."""
        while self._window and (self._window[0].taken() or self._window[0].refused()):
            sent = self._window.popleft()
            if sent.taken():
                self._published += sent.batch.records
            else:
                self._drops.count(sent.batch.records, REFUSED)
        now = asyncio.get_running_loop().time()
        well = self._connection.up and all(sent.open(now) or sent.taken() for sent in self._window)
        if self._window and (last or not well):
            await self._retreat()

    async def _retreat(self) -> None:
        """Spool all that is not acknowledged."""
        left = [sent for sent in self._window if not sent.taken()]
        self._published += sum(sent.batch.records for sent in self._window if sent.taken())
        self._window.clear()
        _forget(left)
        job = asyncio.get_running_loop().run_in_executor(self._disk, self._spool.append, [sent.batch for sent in left])
        job.add_done_callback(self._count_spooled)
        await asyncio.shield(job)  # The thread writes on when this task ends, and so must the counting.

    def _count_spooled(self, job: asyncio.Future[Spooled]) -> None:
        done = job.result()
        self._spooled += done.kept
        self._drops.count(done.overflowed, SPOOL)
        self._drops.count(done.failed, DISK)

    async def _replay(self) -> None:
        """Empty the spool into NATS whenever there is something in it and NATS is there."""
        loop = asyncio.get_running_loop()
        adopted = loop.time()
        while not self._closing.is_set():
            await asyncio.sleep(self._settings.interval_seconds)
            try:
                if self._connection.up and self._spool.segments:
                    await self._replay_segment()
                elif loop.time() - adopted > _ADOPT_SECONDS:
                    adopted = loop.time()
                    await self._on_disk(self._spool.adopt)
            except Exception as error:
                log.debug("the request log cannot replay: %s", type(error).__name__)
                with contextlib.suppress(Exception):
                    await self._connection.ensure_stream()
                await asyncio.sleep(_RETRY_SECONDS)

    async def _replay_segment(self) -> None:
        """Publish the oldest segment; what of it is acknowledged is remembered while this process lives."""
        if not self._replaying:
            self._replaying.extend(await self._on_disk(self._spool.head))
        if not self._replaying:
            return
        while self._replaying:
            await self._replay_wave(list(islice(self._replaying, WINDOW)))
        await self._on_disk(self._spool.discard_head)

    async def _replay_wave(self, batches: list[Batch]) -> None:
        wave = [_Sent(batch, 0.0) for batch in batches]
        try:
            for sent in wave:
                sent.future = await self._published_future(sent.batch)
            await asyncio.wait([sent.future for sent in wave if sent.future], timeout=self._settings.ack_seconds)
            for sent in wave:
                if sent.taken():
                    self._replayed += sent.batch.records
                elif sent.refused():
                    self._drops.count(sent.batch.records, REFUSED)
                else:
                    raise TimeoutError
                self._replaying.popleft()
        finally:
            _forget(wave)

    async def _published_future(self, batch: Batch) -> asyncio.Future[None]:
        try:
            return await self._connection.publish(batch)
        except NotTaken as error:
            failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            return failed

    async def _on_disk(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._disk, work)


def _forget(sents: Iterable[_Sent]) -> None:
    """Wait for none of these any more; asyncio complains of an exception that nobody looked at."""
    for sent in sents:
        if sent.future is not None and not sent.future.cancel() and not sent.future.cancelled():
            sent.future.exception()


async def _ended(tasks: list[asyncio.Task[None]], seconds: float) -> None:
    """Wait for the tasks to end by themselves, then end them."""
    if not tasks:
        return
    await asyncio.wait(tasks, timeout=seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _log_fault(error: Exception) -> None:
    """Where it happened, but not what it says: that may hold a value."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = f"{frame.tb_frame.f_code.co_name}, line {frame.tb_lineno}" if frame else "unknown"
    log.error("internal fault of the request log: %s in %s", type(error).__name__, where)
