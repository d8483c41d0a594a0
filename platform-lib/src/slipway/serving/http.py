"""HTTP/1.1 on one connection: bytes in, requests to the app, answers out.

httptools (llhttp, the parser of Node.js) reads; an answer is made at once and written whole, on the thread of the event
loop. There is nothing to wait for between a request and its answer, so there is no task, no queue and no other thread
between them either. docs/decisions/0007-http-on-the-event-loop.md says what that replaced, and what it gains.
"""

from __future__ import annotations

import asyncio
import logging
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

log = logging.getLogger("slipway.serving")

LONGEST_HEAD = 64 << 10
# Longer than the ten minutes for which balancers keep idle connections, for who closes first may lose a request.
IDLE_SECONDS = 620.0
LINGER_SECONDS = 2.0
# A client that sends many requests in one go has its turn with so many bytes of them, then others have theirs.
PIECE = 8 << 10
_NOTHING = memoryview(b"")
_SHORT_LENGTH = 7  # digits, which make less than DISCARDED
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n" for status in HTTPStatus}


class Connection(asyncio.Protocol):
    """One connection of a client.

    Attributes:
        busy: whether a request is arriving.
    """

    __slots__ = (
        "_app", "_begun", "_body", "_deaf", "_dropped", "_fields", "_headers", "_heard", "_left", "_listener",
        "_method", "_parser", "_repeated", "_rest", "_settings", "_stuck", "_target", "_tells", "_transport",
        "_unframed", "busy",
    )  # fmt: skip

    def __init__(self, app: App, settings: Settings, listener: Listener) -> None:
        self._app = app
        self._settings = settings
        self._listener = listener
        self._parser = httptools.HttpRequestParser(self)
        self._rest = _NOTHING
        self.busy = False
        self._deaf = False
        self._left = 0
        self._stuck = 0.0
        self._begun = self._heard = perf_counter()
        self._reset()

    def _reset(self) -> None:
        self._headers: dict[str, str] = {}
        self._fields = self._headers
        self._repeated: list[tuple[str, str]] | None = None
        self._method = b""
        self._target = b""
        self._body: bytes | bytearray = b""
        self._dropped = 0
        self._unframed = 0
        self._tells = ""

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._listener.admit(self):
            self._transport.abort()

    def data_received(self, data: bytes | memoryview) -> None:
        if self._deaf:
            self._discard(len(data))
            return
        if len(data) > PIECE:
            self._rest = memoryview(data)
            self._go_on()
            return
        # What comes with the begin of a request or with a part of its body is not counted: what comes in between is.
        self._unframed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as wish:
            self._stay(data[wish.args[0] :])
        except httptools.HttpParserError as error:
            if not self._deaf:
                self._refuse(_cause(error))
        if self._unframed > LONGEST_HEAD and not self._deaf:
            what = f"The head of the request, or what stands between parts of its body, exceeds {LONGEST_HEAD} bytes."
            self._refuse(Refused(431, what, "Send fewer or shorter headers."))

    def eof_received(self) -> bool:
        """Close: a client that has ended its half has had the answers to all that it sent."""
        return False

    def pause_writing(self) -> None:
        """The client does not read its answers: read none of its requests until it does."""
        self._stuck = perf_counter()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._stuck = 0.0
        self._heard = perf_counter()
        asyncio.get_running_loop().call_soon(self._go_on)

    def connection_lost(self, error: Exception | None) -> None:
        self._deaf = True
        self._rest = _NOTHING
        self._listener.forget(self)
        if self.busy:
            self._end_of_request()
            self._app.gone(self._target)
        del self._parser  # It holds this object too; without the ring neither waits for the garbage collector.

    # What the parser calls, in this order.

    def on_message_begin(self) -> None:
        if self._deaf:
            return
        self._reset()
        self.busy = True
        self._begun = perf_counter()

    def on_url(self, part: bytes) -> None:
        self._target = self._target + part if self._target else part

    def on_header(self, name: bytes, value: bytes) -> None:
        key = _lower(name)
        text = value.rstrip().decode("latin-1")
        if key not in self._fields:
            self._fields[key] = text
        elif self._repeated:
            self._repeated.append((key, text))
        else:
            self._repeated = [(key, text)]

    def on_headers_complete(self) -> None:
        if self._deaf:
            return
        parser, headers = self._parser, self._headers
        self._method = method = parser.get_method()
        # Probes and scrapes are no load.
        if method == b"POST":
            self._app.metrics.in_flight += 1
        if (
            self._repeated
            or "host" not in headers
            or not parser.should_keep_alive()
            or ("connection" in headers and parser.get_http_version() != "1.1")
            or len(headers.get("content-length", "")) > _SHORT_LENGTH
            or "transfer-encoding" in headers
            or "expect" in headers
            or "upgrade" in headers
            or method == b"CONNECT"
        ):
            self._look_closer()

    def on_body(self, part: bytes) -> None:
        if self._deaf:
            return
        self._unframed = 0
        body, limit = self._body, self._settings.max_body_bytes
        if self._dropped or len(body) + len(part) > limit:
            self._body = b""
            self._dropped += len(body) + len(part)
            if self._dropped > max(DISCARDED, limit):
                self._refuse(too_long(limit))
        elif not body:
            self._body = part
        elif isinstance(body, bytearray):
            body += part
        else:
            self._body = bytearray(body) + part

    def on_message_complete(self) -> None:
        if self._deaf:
            return
        if self._dropped:
            refusal = too_long(self._settings.max_body_bytes)
            reply = self._app.refuse(refusal, self._method, self._target, self._headers, self._begun)
        else:
            body = self._body if isinstance(self._body, bytes) else bytes(self._body)
            reply = self._app.answer(self._method, self._target, self._headers, body, self._begun)
        self._write(reply)
        self._end_of_request()

    # What the listener calls.

    def expire(self, now: float) -> None:
        """Refuse a request that takes too long to arrive; leave a client that does not read, or has long been idle."""
        if self._stuck:
            if now - self._stuck > self._settings.body_seconds:
                self._transport.abort()
        elif self.busy:
            if now - self._begun > self._settings.body_seconds:
                self._refuse(too_slow(self._settings.body_seconds))
        elif now - self._heard > self._patience():
            self._transport.abort()

    def close_if_idle(self) -> None:
        """Close, unless a request is arriving, or an answer is not read yet."""
        if not (self.busy or self._stuck or self._rest or self._deaf):
            self._deaf = True
            self._transport.close()

    # The rest.

    def _patience(self) -> float:
        """Seconds for which a connection without a request is kept."""
        if not self._deaf:
            return IDLE_SECONDS
        return self._settings.body_seconds if self._transport.get_write_buffer_size() else LINGER_SECONDS

    def _go_on(self) -> None:
        """Parse what has arrived piece by piece, until there is an answer for the client to read before the next."""
        while self._rest and not (self._stuck or self._deaf):
            piece, self._rest = self._rest[:PIECE], self._rest[PIECE:]
            heard = self._heard
            self.data_received(piece)
            if self._rest and self._heard != heard:
                self._yield()
                return
        if self._deaf:
            self._rest = _NOTHING
        if not self._stuck:
            self._transport.resume_reading()

    def _look_closer(self) -> None:
        """Keep RFC 9112 where a head is not the usual one, which needs none of this."""
        parser, headers, limit = self._parser, self._headers, self._settings.max_body_bytes
        version = parser.get_http_version()
        repeated = self._repeated or []
        objection = _objection(self._method, version, headers, repeated)
        _join(headers, repeated)
        # The parser takes a length below 2**64 only, which zeros may precede.
        length = int(headers.get("content-length", "0")[-20:])
        chunked = "transfer-encoding" in headers
        expects = version == "1.1" and headers.get("expect", "").lower() == "100-continue" and (length or chunked)
        if not objection and length > (limit if expects else max(DISCARDED, limit)):
            objection = too_long(limit)
        if objection:
            self._refuse(objection)
            return
        if parser.should_upgrade():
            self._deaf = True  # until HttpParserUpgrade, which follows what the parser takes for the end of the request
            return
        if not parser.should_keep_alive():
            self._tells = "close"
        elif version == "1.0":
            self._tells = "keep-alive"
        if expects:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if chunked:
            self._fields = {}  # for trailers, which nothing here reads

    def _stay(self, rest: bytes | memoryview) -> None:
        """Read a request that wishes for another protocol as if it did not, which RFC 9110 (7.8) leaves to servers."""
        if not self.busy:
            return
        lines = [f"{self._method.decode()} {self._target.decode('latin-1')} HTTP/{self._parser.get_http_version()}"]
        lines += [f"{name}: {value}" for name, value in self._headers.items() if name != "upgrade"]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self._end_of_request()
        self._deaf = False
        self._parser = httptools.HttpRequestParser(self)
        self._rest = memoryview(b"".join((head, rest, self._rest)))
        self._yield()

    def _yield(self) -> None:
        """Let other connections have their turn before the rest of what has arrived."""
        self._transport.pause_reading()
        asyncio.get_running_loop().call_soon(self._go_on)

    def _end_of_request(self) -> None:
        self.busy = False
        if self._method == b"POST":
            self._app.metrics.in_flight -= 1
        self._heard = perf_counter()

    def _refuse(self, error: Exception) -> None:
        """Answer a request that has not arrived whole, or that brought a fault of ours to light, and hang up."""
        if not self.busy:
            self._reset()
        self._tells = "close"
        try:
            self._write(self._app.refuse(error, self._method, self._target, self._headers, self._begun))
        except Exception:
            log.exception("internal fault of a connection")
            self._deaf = True
            self._transport.abort()
        if self.busy:
            self._end_of_request()

    def _hang_up(self) -> None:
        """Say no more, and read on for a while: closing with bytes unread would take the answer from the client."""
        self._deaf = True
        self._transport.write_eof()

    def _discard(self, size: int) -> None:
        self._left += size
        if self._left > DISCARDED:
            self._transport.abort()

    def _write(self, reply: Reply) -> None:
        tells = "close" if self._app.closing else self._tells
        headers = [*reply.headers, ("connection", tells)] if tells else reply.headers
        self._transport.write(_wire(reply, self._app.date, headers, self._method))
        if tells == "close":
            self._hang_up()


def _cause(error: httptools.HttpParserError) -> Exception:
    """What an error of the parser stands for: the client's fault, or one of ours that a callback raised."""
    if not isinstance(error, httptools.HttpParserCallbackError):
        return Refused(400, f"This is not HTTP/1.1: {error}.", "Mend the client.")
    return error.__context__ if isinstance(error.__context__, Exception) else error


def _lower(name: bytes, known: dict[bytes, str] = {}) -> str:  # noqa: B006 (a cache)
    """A header's name in lower case; the few names that all clients send are decoded once."""
    found = known.get(name)
    if found is None:
        found = name.lower().decode("latin-1")
        if len(known) < 256 and len(name) < 64:
            known[name] = found
    return found


def _objection(method: bytes, version: str, headers: dict[str, str], repeated: list[tuple[str, str]]) -> Refused | None:
    """Why a head that the parser takes cannot be answered."""
    if version not in ("1.0", "1.1"):
        return Refused(400, f"HTTP/{version} is not served.", "Send HTTP/1.1.")
    if (version == "1.1" and "host" not in headers) or any(name == "host" for name, _ in repeated):
        return Refused(400, "The request has no header Host, or more than one.", "Send one.")
    coding = headers.get("transfer-encoding")
    if coding is not None and (version == "1.0" or coding.lower() != "chunked"):
        return Refused(400, f"Transfer-Encoding {ascii(coding)[:80]} is not served.", "Send chunked, with HTTP/1.1.")
    if method == b"CONNECT":
        return Refused(405, "This is no proxy.", headers=[("allow", "GET, HEAD, POST")])
    return None


def _join(headers: dict[str, str], repeated: list[tuple[str, str]]) -> None:
    """Join the values of headers that are sent more than once, as RFC 9110 (5.3) has it."""
    values: dict[str, list[str]] = {}
    for name, value in repeated:
        values.setdefault(name, [headers[name]]).append(value)
    headers.update({name: ", ".join(found) for name, found in values.items()})


def _wire(reply: Reply, date: str, headers: list[tuple[str, str]], method: bytes) -> bytes:
    named = "".join([f"{name}: {value}\r\n" for name, value in headers])
    head = f"{_STATUS_LINES[reply.status]}date: {date}\r\n{named}content-length: {len(reply.body)}\r\n\r\n"
    return head.encode("latin-1") + (reply.body if method != b"HEAD" else b"")
