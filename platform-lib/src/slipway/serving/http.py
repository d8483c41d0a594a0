"""HTTP/1.1 on one connection: bytes in, requests to the app, answers out.

httptools (llhttp, the parser of Node.js) reads; an answer is made at once and written whole, on the thread of the event
loop. There is nothing to wait for between a request and its answer, so there is no task, no queue and no other thread
between them either. docs/decisions/0007-http-on-the-event-loop.md says what that replaced, and what it gains.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, cast

import httptools

from slipway.serving.content import DISCARDED, too_long, too_slow
from slipway.serving.replies import Refused, Reply

if TYPE_CHECKING:
    from slipway.serving.app import App
    from slipway.serving.listener import Listener
    from slipway.serving.settings import Settings

LONGEST_HEAD = 64 << 10
# Longer than the ten minutes for which balancers keep idle connections, for who closes first may lose a request.
IDLE_SECONDS = 620.0
LINGER_SECONDS = 2.0
_CLOSE = ("connection", "close")
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class Connection(asyncio.Protocol):
    """One connection of a client.

    Attributes:
        busy: whether a request is arriving.
    """

    __slots__ = (
        "_app", "_begun", "_body", "_deaf", "_dropped", "_head_bytes", "_headers", "_heard", "_in_head", "_keep",
        "_left", "_listener", "_method", "_parser", "_settings", "_stuck", "_target", "_transport", "busy",
    )  # fmt: skip

    def __init__(self, app: App, settings: Settings, listener: Listener) -> None:
        self._app = app
        self._settings = settings
        self._listener = listener
        self._parser = httptools.HttpRequestParser(self)
        self.busy = False
        self._deaf = False
        self._left = 0
        self._stuck = 0.0
        self._begun = self._heard = perf_counter()
        self._reset()

    def _reset(self) -> None:
        self._headers: dict[str, str] = {}
        self._method = b""
        self._target = b""
        self._body = b""
        self._dropped = 0
        self._in_head = False
        self._head_bytes = 0
        self._keep = True

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._listener.admit(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            self._discard(len(data))
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._hang_up()
        except httptools.HttpParserError as error:
            self._refuse(Refused(400, f"This is not HTTP/1.1: {error}.", "Mend the client."))
        if self._in_head:
            self._count_head(len(data))

    def eof_received(self) -> bool:
        """Close: a client that has ended its half has had the answers to all that it sent."""
        return False

    def pause_writing(self) -> None:
        """The client does not read its answers: read none of its requests until it does."""
        self._stuck = perf_counter()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._stuck = 0.0
        self._transport.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self.busy:
            self._end_of_request()
            self._app.gone(self._target)
        self._listener.forget(self)

    # What the parser calls, in this order.

    def on_message_begin(self) -> None:
        if self._deaf:
            return
        self._reset()
        self.busy = self._in_head = True
        self._begun = perf_counter()

    def on_url(self, part: bytes) -> None:
        self._target = self._target + part if self._target else part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[_lower(name)] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._deaf:
            return
        self._in_head = False
        self._method = self._parser.get_method()
        # Probes and scrapes are no load.
        if self._method == b"POST":
            self._app.metrics.in_flight += 1
        headers = self._headers
        self._keep = self._parser.should_keep_alive()
        length = int(headers.get("content-length", "0"))
        expects = headers.get("expect", "").lower() == "100-continue"
        if length > DISCARDED or (expects and length > self._settings.max_body_bytes):
            self._refuse(too_long(self._settings.max_body_bytes))
        elif expects:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        if self._deaf:
            return
        if self._dropped or len(self._body) + len(part) > self._settings.max_body_bytes:
            self._dropped += len(part)
            if self._dropped > DISCARDED:
                self._refuse(too_long(self._settings.max_body_bytes))
        else:
            self._body = self._body + part if self._body else part

    def on_message_complete(self) -> None:
        if self._deaf:
            return
        if self._dropped:
            refusal = too_long(self._settings.max_body_bytes)
            reply = self._app.refuse(refusal, self._method, self._target, self._headers, self._begun)
        else:
            reply = self._app.answer(self._method, self._target, self._headers, self._body, self._begun)
        self._end_of_request()
        self._write(reply)

    # What the listener calls.

    def expire(self, now: float) -> None:
        """Refuse a request that takes too long to arrive; leave a client that does not read, or has long been idle."""
        if self._stuck:
            if now - self._stuck > self._settings.body_seconds:
                self._transport.abort()
        elif self.busy:
            if now - self._begun > self._settings.body_seconds:
                self._refuse(too_slow(self._settings.body_seconds))
        elif now - self._heard > (LINGER_SECONDS if self._deaf else IDLE_SECONDS):
            self._transport.abort()

    def close_if_idle(self) -> bool:
        """Close, unless a request is arriving or an answer is not read yet; whether it is so."""
        if self.busy or self._stuck:
            return False
        if not self._deaf:
            self._deaf = True
            self._transport.close()
        return True

    # The rest.

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > LONGEST_HEAD:
            what = f"The head of the request is longer than {LONGEST_HEAD} bytes."
            self._refuse(Refused(431, what, "Send fewer or shorter headers."))

    def _end_of_request(self) -> None:
        self.busy = False
        if self._method == b"POST":
            self._app.metrics.in_flight -= 1
        self._heard = perf_counter()

    def _refuse(self, refusal: Refused) -> None:
        """Answer a request that has not arrived whole; what else comes on this connection is not understood."""
        reply = self._app.refuse(refusal, self._method, self._target, self._headers, self._begun)
        if self.busy:
            self._end_of_request()
        self._transport.write(_wire(reply, self._app.date, [*reply.headers, _CLOSE], self._method))
        self._hang_up()

    def _hang_up(self) -> None:
        """Say no more, and read on for a while: closing with bytes unread would take the answer from the client."""
        self._deaf = True
        self._in_head = False
        self._heard = perf_counter()
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _discard(self, size: int) -> None:
        self._left += size
        if self._left > DISCARDED:
            self._transport.abort()

    def _write(self, reply: Reply) -> None:
        headers = reply.headers
        if not self._keep or self._app.closing:
            self._keep = False
            headers = [*headers, _CLOSE]
        elif "connection" in self._headers and self._parser.get_http_version() == "1.0":
            headers = [*headers, ("connection", "keep-alive")]
        self._transport.write(_wire(reply, self._app.date, headers, self._method))
        if not self._keep:
            self._deaf = True
            self._transport.close()


def _lower(name: bytes, known: dict[bytes, str] = {}) -> str:  # noqa: B006 (a cache)
    """A header's name in lower case; the few names that all clients send are decoded once."""
    found = known.get(name)
    if found is None:
        found = name.lower().decode("latin-1")
        if len(known) < 256:
            known[name] = found
    return found


def _wire(reply: Reply, date: str, headers: list[tuple[str, str]], method: bytes) -> bytes:
    named = "".join([f"{name}: {value}\r\n" for name, value in headers])
    head = f"{_STATUS_LINES[reply.status]}date: {date}\r\n{named}content-length: {len(reply.body)}\r\n\r\n"
    return head.encode("latin-1") + (reply.body if method != b"HEAD" else b"")
