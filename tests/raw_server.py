"""A listener on a loop of its own in a thread, and clients that send it bytes of their own choice."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import uvloop

from slipway.serving.app import App
from slipway.serving.listener import Listener
from slipway.serving.settings import Settings
from slipway.serving.watch import Watch

PATIENCE = 20.0


@dataclass(frozen=True)
class Answer:
    """One answer; header names are lower case, and a header that comes twice fails."""

    status: int
    headers: dict[str, str]
    body: bytes


class Caller:
    """A client's connection."""

    def __init__(self, port: int, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def __enter__(self) -> Caller:
        return self

    def __exit__(self, *_: object) -> None:
        self.reader.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def flood(self, data: bytes, most: int, pause: float = 0.0) -> int:
        """Send ``data`` up to ``most`` times; how often the server took it before it reset, or stopped reading."""
        for number in range(most):
            try:
                self.send(data)
            except (ConnectionError, TimeoutError):
                return number
            time.sleep(pause)
        return most

    def end(self) -> None:
        """Close the half that sends."""
        self.socket.shutdown(socket.SHUT_WR)

    def answer(self, *, bodiless: bool = False) -> Answer:
        """The next answer; ``bodiless`` after HEAD."""
        status_line = self.reader.readline()
        version, status, _ = status_line.decode("ascii").split(" ", 2)
        assert version == "HTTP/1.1", status_line
        headers: dict[str, str] = {}
        while (line := self.reader.readline()) != b"\r\n":
            name, separator, value = line.decode("latin-1").partition(": ")
            assert separator, line
            assert value.endswith("\r\n"), line
            assert name not in headers, f"{name} twice"
            headers[name] = value[:-2]
        length = 0 if bodiless or status == "100" else int(headers["content-length"])
        return Answer(int(status), headers, self.reader.read(length))

    def closed(self) -> bool:
        """Whether the server says no more and closes in order, without a reset."""
        return self.reader.read() == b""


class RawServer:
    """One app behind one listener, looked after as ``slipway serve`` does.

    Attributes:
        faults: what the loop was told of exceptions that nobody caught.
    """

    def __init__(self, app: App, settings: Settings, most: int | None = None) -> None:
        self.app = app
        self.faults: list[dict[str, Any]] = []
        self.listener = Listener(app, settings)
        if most is not None:
            self.listener._most = most
        self._loop = uvloop.new_event_loop()
        self._loop.set_exception_handler(lambda _, context: self.faults.append(context))
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> RawServer:
        self._thread.start()
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        self.port = int(listening.getsockname()[1])
        self.run(self.listener.open(listening))
        self._watching = asyncio.run_coroutine_threadsafe(Watch(self.app, self.listener).run(), self._loop)
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.listener.close(5))
        self._watching.cancel()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run something on the server's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    def connect(self, receive_buffer: int | None = None) -> Caller:
        return Caller(self.port, receive_buffer)

    def ask(self, *requests: bytes) -> list[Answer]:
        """The answers to requests on a connection of their own."""
        with self.connect() as caller:
            caller.send(b"".join(requests))
            return [caller.answer() for _ in requests]

    def wait(self, until: Callable[[], bool]) -> None:
        """Wait for something, but not for ever."""
        deadline = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < deadline, "it did not come about"
            time.sleep(0.005)

    def settled(self) -> bool:
        """Whether no request is under way and no connection open."""
        return not self.app.metrics.in_flight and not self.listener._connections

    def count(self, status: int) -> int:
        """Answers with this status so far."""
        return self.app.metrics.statuses()[status]


def request(
    method: str = "POST", path: str = "/predict", body: bytes = b"", version: str = "1.1", **headers: str
) -> bytes:
    """The bytes of a request; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    given = {"Host": "x", **({"Content-Length": str(len(body))} if body else {}), **named}
    lines = [f"{method} {path} HTTP/{version}", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunked(*parts: bytes, trailers: bytes = b"") -> bytes:
    """A body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n" + trailers + b"\r\n"
