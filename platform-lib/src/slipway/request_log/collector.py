"""From JetStream into a folder of Parquet: a durable consumer that acknowledges what is safely stored."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from slipway.errors import EnvironmentFault
from slipway.progress import step
from slipway.request_log import settings as names
from slipway.request_log.access import check, connect
from slipway.request_log.connection import ensure_stream
from slipway.request_log.labels import label
from slipway.request_log.partitions import ColumnsDiffer, Store
from slipway.request_log.reading import DeadLetter, Message, Place, read

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

log = logging.getLogger("slipway.request_log")

_FETCHED = 32
_MOST_MESSAGES = 256
_MOST_BYTES = 64 << 20
_ONCE_SECONDS = 0.5
_ATTEMPTS = 3
_PATIENCE_SECONDS = 10
_RETRY_SECONDS = 1.0
_SWEEP_SECONDS = 600.0


@dataclass(frozen=True)
class Source:
    """Where the collector reads.

    Attributes:
        servers, credentials, ca_file: of :class:`slipway.request_log.settings.Access`.
        stream: name of the stream; it is created if there is none.
        subjects: what its subjects begin with.
        consumer: name of the durable consumer; each folder needs one of its own.
        gather_seconds: how long messages are gathered into one file.
        ack_seconds: after it, messages that a killed collector had are delivered again.
    """

    servers: tuple[str, ...] = names.LOCAL
    stream: str = names.STREAM
    subjects: str = names.SUBJECTS
    consumer: str = "slipway-collect"
    gather_seconds: float = 2.0
    ack_seconds: float = 30.0
    credentials: Path | None = None
    ca_file: Path | None = None

    @property
    def access(self) -> names.Access:
        return names.Access(self.servers, self.credentials, self.ca_file)


@dataclass
class Collected:
    """Counts so far: messages, those that the folder already had in whole, rows, dead letters."""

    messages: int = 0
    repeated: int = 0
    answers: int = 0
    feedback: int = 0
    dead_letters: int = 0


def store(messages: Sequence[Message], target: Store, counts: Collected) -> None:
    """Store messages for good; those that ``target`` already has change nothing.

    Raises:
        EnvironmentFault: when the disk is full; what was stored stays, and may be stored again.
    """
    found = read(list({message.batch: message for message in messages}.values()))
    counts.messages += len(messages)
    letters = list(found.dead)
    alike: dict[tuple[Place, tuple[str, ...]], list[pl.DataFrame]] = defaultdict(list)
    for place, table in found.tables:
        alike[place, tuple(f"{name} {kind}" for name, kind in table.schema.items())].append(table)
    new = 0
    for (place, _), tables in alike.items():
        try:
            rows = target.add(place, tables)
        except ColumnsDiffer as error:
            letters.extend(_letters(tables, str(error)))
            continue
        new += rows
        if place.kind == "answers":
            counts.answers += rows
        else:
            counts.feedback += rows
    counts.repeated += len(messages) if not new and not letters else 0
    counts.dead_letters += target.bury(letters)


def _letters(tables: Sequence[pl.DataFrame], reason: str) -> list[DeadLetter]:
    batches = pl.concat(tables).partition_by("batch", maintain_order=True)
    return [DeadLetter(f"{rows['batch'][0]}-columns", None, reason, rows.write_json().encode()) for rows in batches]


class Collector:
    """Reads a stream into a store.

    Attributes:
        counts: what was collected.
    """

    def __init__(self, source: Source, target: Store) -> None:
        self.counts = Collected()
        self._source = source
        self._store = target
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End after the messages at hand."""
        self._stopping.set()

    async def once(self) -> None:
        """Collect all that the stream holds now and what comes meanwhile.

        Raises:
            EnvironmentFault: when NATS is not there, or goes away.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return await self._connected(self._until_empty)
            except EnvironmentFault:
                raise
            except Exception as error:
                if attempt + 1 == _ATTEMPTS:
                    raise EnvironmentFault(
                        f"NATS with JetStream does not answer at {_shown(self._source.servers)} "
                        f"({type(error).__name__}).",
                        "Start it, or give its address with --nats. What was collected is kept.",
                    ) from error
                await asyncio.sleep(_ONCE_SECONDS)
        return None

    async def follow(self, every: Callable[[], None], seconds: float) -> None:
        """Collect until :meth:`stop`, over any absence of NATS; call ``every`` about every ``seconds``."""
        due = time.monotonic() + seconds

        async def until_stopped(stream: JetStreamContext) -> None:
            nonlocal due
            fetch = await self._consumer(stream)
            swept = time.monotonic()
            while not self._stopping.is_set():
                await self._gather(fetch, self._source.gather_seconds)
                if time.monotonic() > due:
                    await asyncio.to_thread(every)
                    due = time.monotonic() + seconds
                if time.monotonic() - swept > _SWEEP_SECONDS:
                    await asyncio.to_thread(self._store.sweep)
                    swept = time.monotonic()

        while not self._stopping.is_set():
            try:
                await self._connected(until_stopped)
            except EnvironmentFault:
                raise
            except Exception as error:
                log.warning("the collector waits for NATS: %s", type(error).__name__)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _RETRY_SECONDS)

    async def _connected(self, work: Callable[[JetStreamContext], Awaitable[None]]) -> None:
        client = await connect(self._source.access, _PATIENCE_SECONDS)
        try:
            stream = client.jetstream(timeout=_PATIENCE_SECONDS)
            settings = names.Settings(stream=self._source.stream, subjects=self._source.subjects)
            await ensure_stream(stream, settings)
            await work(stream)
            await client.flush()  # the last acknowledgements
        finally:
            with contextlib.suppress(Exception):
                await client.close()

    async def _until_empty(self, stream: JetStreamContext) -> None:
        fetch = await self._consumer(stream)
        while not self._stopping.is_set():
            if await self._gather(fetch, min(_ONCE_SECONDS, self._source.gather_seconds)):
                continue
            state = await stream.consumer_info(self._source.stream, self._source.consumer)
            if not state.num_pending and not state.num_ack_pending:
                return

    async def _consumer(self, stream: JetStreamContext) -> Callable[[float], Awaitable[list[Msg]]]:
        """What waits some seconds for the next few messages."""
        from nats.errors import TimeoutError as NothingCame
        from nats.js.api import AckPolicy, ConsumerConfig

        name = self._source.consumer
        wanted = ConsumerConfig(
            name=name, durable_name=name, ack_policy=AckPolicy.EXPLICIT, ack_wait=self._source.ack_seconds
        )
        await stream.add_consumer(self._source.stream, wanted)
        consumer = await stream.pull_subscribe_bind(consumer=name, stream=self._source.stream)

        async def fetch(seconds: float) -> list[Msg]:
            if stream._nc.is_closed:
                raise ConnectionError
            with contextlib.suppress(NothingCame):
                return await consumer.fetch(_FETCHED, timeout=seconds)
            return []

        return fetch

    async def _gather(self, fetch: Callable[[float], Awaitable[list[Msg]]], seconds: float) -> int:
        """Store the messages of the next seconds, then acknowledge them; how many."""
        messages: list[Msg] = []
        end = time.monotonic() + seconds
        size = 0
        while len(messages) < _MOST_MESSAGES and size < _MOST_BYTES and not self._stopping.is_set():
            left = end - time.monotonic()
            if left <= 0.01:
                break
            came = await fetch(left)
            messages.extend(came)
            size += sum(len(message.data) for message in came)
            if not came:
                break
        if messages:
            read_from = [Message(_id(message), message.data) for message in messages]
            await asyncio.to_thread(store, read_from, self._store, self.counts)
            for message in messages:
                await message.ack()
        return len(messages)


def run(source: Source, folder: Path, label_seconds: float | None) -> tuple[Collected, dict[str, int]]:
    """Collect into ``folder`` once (``label_seconds`` is None), or until SIGTERM or SIGINT, labels joined that often.

    Returns:
        What was collected, and how the labels were joined at the end; see :func:`slipway.request_log.labels.label`.

    Raises:
        EnvironmentFault: when NATS or the folder cannot be used.
    """
    check(source.access)
    target = Store(folder)
    try:
        collector = Collector(source, target)
        with step(f"collecting from {_shown(source.servers)} into {folder}"):
            asyncio.run(_run(collector, target, label_seconds))
        target.sweep()
        with step("joining the labels"):
            return collector.counts, label(target)
    finally:
        target.close()


async def _run(collector: Collector, target: Store, label_seconds: float | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, collector.stop)
    if label_seconds is None:
        await collector.once()
    else:
        await collector.follow(lambda: log.info("labels: %s", label(target)), label_seconds)


def _id(message: Msg) -> str:
    given = (message.headers or {}).get("Nats-Msg-Id")
    return given or f"{message.metadata.stream}-{message.metadata.sequence.stream:020d}"


def _shown(servers: Sequence[str]) -> str:
    """The addresses without what may stand before an @, which is secret."""
    return ", ".join(server.rpartition("@")[2].rpartition("://")[2] for server in servers)
