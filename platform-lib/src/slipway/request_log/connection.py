"""A connection to JetStream that comes back by itself, and publishes with acknowledgement."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import itertools
import json
import logging
from typing import TYPE_CHECKING

from slipway.request_log.access import connect
from slipway.request_log.events import CONTENT_TYPE, Batch
from slipway.request_log.settings import Settings

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

log = logging.getLogger("slipway.request_log")

CONNECT_SECONDS = 2
DUPLICATE_SECONDS = 120.0
MAX_AGE_SECONDS = 7 * 86_400.0
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_HEADERS_BYTES = 1024
_NAME_IN_USE = 10058
_BAD_REQUEST = 400


class NotTaken(Exception):
    """JetStream did not store a message; ``final`` if it never will, for what the message is."""

    def __init__(self, what: str, *, final: bool = False) -> None:
        super().__init__(what)
        self.final = final


class Connection:
    """One connection at a time.

    The client's own reconnection is off: it would hold messages back and send them later, out of order and beside the
    spool. A lost connection is a lost connection, and the next one is new.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None
        self._stream: JetStreamContext | None = None
        self._max_bytes = (1 << 20) - _HEADERS_BYTES
        self._inbox = ""
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._tokens = itertools.count()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def up(self) -> bool:
        """Whether messages can be published now."""
        return self._stream is not None and self._client is not None and self._client.is_connected

    @property
    def max_bytes(self) -> int:
        """The longest body of a message, as the server last told it."""
        return self._max_bytes

    def start(self) -> None:
        """Connect in the background, and again whenever the connection is lost."""
        self._task = asyncio.get_running_loop().create_task(self._stay())

    async def publish(self, batch: Batch) -> asyncio.Future[None]:
        """Send a batch; the future ends with JetStream's acknowledgement or with NotTaken.

        The client's own publish_async is not used: it forgets a future whose answer is an error.

        Raises:
            NotTaken: when there is no connection, or the batch is too long for it.
        """
        client = self._client
        if client is None or self._stream is None:
            raise NotTaken("not connected")
        if len(batch.body) > self._max_bytes:
            raise NotTaken("longer than a message may be", final=True)
        token = str(next(self._tokens))
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[token] = future
        future.add_done_callback(lambda _: self._waiting.pop(token, None))
        headers = {"Nats-Msg-Id": batch.id, "Content-Type": CONTENT_TYPE}
        try:
            await client.publish(batch.subject, batch.body, reply=f"{self._inbox}.{token}", headers=headers)
        except Exception as error:
            future.cancel()
            raise NotTaken(type(error).__name__) from error
        return future

    async def ensure_stream(self) -> None:
        """Make the stream anew, if somebody deleted it."""
        if self._stream is not None:
            await ensure_stream(self._stream, self._settings)

    async def close(self) -> None:
        """Close the connection; what was published and not acknowledged may arrive or not."""
        self._closed = True
        # More than once: a client that is just connecting may swallow it.
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_LONGEST_PAUSE)
        await self._drop()

    async def _stay(self) -> None:
        # It takes a third of a second to import, and a server answers meanwhile.
        await asyncio.to_thread(importlib.import_module, "nats.js")
        pause = _FIRST_PAUSE
        told = False
        while not self._closed:
            try:
                await self._connect()
                pause, told = _FIRST_PAUSE, False
                log.info("the request log is connected to NATS")
                while self.up and not self._closed:
                    await asyncio.sleep(_FIRST_PAUSE)
                if not self._closed:
                    log.warning("the request log lost its connection to NATS")
            except Exception as error:
                level = logging.DEBUG if told else logging.WARNING
                log.log(level, "the request log cannot reach NATS (%s), and tries again", type(error).__name__)
                told = True
            await self._drop()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _connect(self) -> None:
        self._client = await connect(self._settings.access, CONNECT_SECONDS)
        stream = self._client.jetstream(timeout=self._settings.ack_seconds)
        await ensure_stream(stream, self._settings)
        self._max_bytes = self._client.max_payload - _HEADERS_BYTES
        self._inbox = self._client.new_inbox()
        await self._client.subscribe(f"{self._inbox}.*", cb=self._acknowledged)
        self._stream = stream

    async def _acknowledged(self, message: Msg) -> None:
        future = self._waiting.get(message.subject.rpartition(".")[2])
        if future is None or future.done():
            return
        try:
            error = json.loads(message.data)["error"] if b'"error"' in message.data else None
        except ValueError:
            error = {"description": "an answer that is not JSON"}
        if not message.data:
            future.set_exception(NotTaken("there is no stream"))
        elif error is not None:
            future.set_exception(NotTaken(str(error.get("description")), final=error.get("code") == _BAD_REQUEST))
        else:
            future.set_result(None)

    async def _drop(self) -> None:
        client, self._client, self._stream = self._client, None, None
        for future in list(self._waiting.values()):
            if not future.done():
                future.set_exception(NotTaken("the connection was lost"))
        if client is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(client.close(), CONNECT_SECONDS)


async def ensure_stream(stream: JetStreamContext, settings: Settings) -> None:
    """Create the stream if there is none; one that somebody configured otherwise is left as it is."""
    from nats.js.api import DiscardPolicy, StorageType, StreamConfig
    from nats.js.errors import APIError

    wanted = StreamConfig(
        name=settings.stream, subjects=[f"{settings.subjects}.>"], storage=StorageType.FILE,
        discard=DiscardPolicy.NEW, max_age=MAX_AGE_SECONDS, duplicate_window=DUPLICATE_SECONDS,
    )  # fmt: skip
    try:
        await stream.add_stream(wanted)
    except APIError as error:
        if error.err_code != _NAME_IN_USE:
            raise
