"""Reading the request log for shadow mode: an ephemeral consumer that asks for what is new since the last look."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from slipway.canary.observation import Rollout, Shadowed
from slipway.canary.shadow import Pairing, Stored, shadowed
from slipway.rendering.canary import Canary
from slipway.request_log.access import connect
from slipway.request_log.settings import STREAM, SUBJECTS, Access

if TYPE_CHECKING:
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext

log = logging.getLogger("slipway.canary")

_PATIENCE_SECONDS = 5
# One look takes no longer; the next goes on from there.
_LONGEST_SECONDS = 20.0
_FETCHED = 64
# A consumer that nobody asks is removed by NATS.
_FORGOTTEN_SECONDS = 60.0
# What came into the stream so long ago has been told to whoever asked for all.
_SETTLED = timedelta(seconds=2)


@dataclass
class _Place:
    """How far the pairs of a roll-out have been read: to a number of the stream, and to a moment of it."""

    key: tuple[str, str, str, datetime]
    pairing: Pairing
    number: int
    until: datetime


class ShadowLog:
    """Looks at the shadows of roll-outs, one after another, and remembers how far it has read.

    A process that begins anew reads all since the roll-out began, and counts the same.

    Attributes:
        fault: why the newest look could not read on; empty if it could.
    """

    def __init__(self, access: Access, stream: str = STREAM, subjects: str = SUBJECTS) -> None:
        self._access = access
        self._stream = stream
        self._subjects = subjects
        self._places: dict[tuple[str, str], _Place] = {}
        self.fault = ""

    def look(self, rollout: Rollout, settings: Canary, now: datetime) -> Shadowed | None:
        """What has been compared at ``now``; ``settings`` must have a shadow.

        None once the challenger has traffic of its own: then there are no copies any more. Where NATS is not there,
        refuses, or goes away, what was read by then counts, and :attr:`fault` says so.
        """
        if rollout.challenger.weight:
            self._places.pop((rollout.environment, rollout.model), None)
            return None
        place = self._place(rollout, settings)
        try:
            asyncio.run(self._catch_up(place, rollout.model, now))
        except Exception as error:
            self._complain(type(error).__name__)
        else:
            self.fault = ""
        return shadowed(place.pairing.blocks(place.until), settings)

    def _complain(self, what: str) -> None:
        where = ", ".join(urlsplit(server).netloc.rpartition("@")[2] for server in self._access.servers)
        said = f"the request log at {where} cannot be read: {what}"
        if said != self.fault:
            log.warning("%s; pairs are compared again when it can be", said)
        self.fault = said

    def _place(self, rollout: Rollout, settings: Canary) -> _Place:
        """The one of this roll-out; another of the same model is forgotten."""
        name = rollout.environment, rollout.model
        key = rollout.challenger.release, rollout.challenger.image, settings.model_dump_json(), rollout.began
        place = self._places.get(name)
        if place is None or place.key != key:
            place = self._places[name] = _Place(key, Pairing(rollout, settings), 0, rollout.began)
        return place

    async def _catch_up(self, place: _Place, model: str, now: datetime) -> None:
        """Read on to the end of the stream, or for as long as a look may take."""
        client = await connect(self._access, _PATIENCE_SECONDS)
        try:
            stream = client.jetstream(timeout=_PATIENCE_SECONDS)
            if await self._read(stream, place, f"{self._subjects}.{model}"):
                place.until = max(place.until, now - _SETTLED)
        finally:
            with contextlib.suppress(Exception):
                await client.close()

    async def _read(self, stream: JetStreamContext, place: _Place, subject: str) -> bool:
        """Read on; whether to the end."""
        from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
        from nats.js.errors import NotFoundError

        wanted = ConsumerConfig(ack_policy=AckPolicy.NONE, inactive_threshold=_FORGOTTEN_SECONDS, mem_storage=True)
        if place.number:
            wanted.deliver_policy, wanted.opt_start_seq = DeliverPolicy.BY_START_SEQUENCE, place.number + 1
        else:
            wanted.deliver_policy, wanted.opt_start_time = DeliverPolicy.BY_START_TIME, place.until
        try:
            consumer = await stream.pull_subscribe(subject, stream=self._stream, config=wanted)
        except NotFoundError:  # Nobody has logged anything yet.
            return True
        state = await consumer.consumer_info()
        left, end = state.num_pending or 0, time.monotonic() + _LONGEST_SECONDS
        while left and time.monotonic() < end:
            messages = await consumer.fetch(_FETCHED, timeout=_PATIENCE_SECONDS)
            place.pairing.take(_stored(message) for message in messages)
            last = messages[-1].metadata
            place.number, place.until, left = last.sequence.stream, last.timestamp, last.num_pending
        with contextlib.suppress(Exception):
            await stream.delete_consumer(self._stream, state.name)
        return not left


def _stored(message: Msg) -> Stored:
    identity = (message.headers or {}).get("Nats-Msg-Id") or str(message.metadata.sequence.stream)
    return Stored(identity, message.metadata.timestamp, message.data)
