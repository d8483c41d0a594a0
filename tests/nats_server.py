"""A real nats-server with JetStream, to publish to, to kill and to start again."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from nats.aio.client import Client
from nats.js import JetStreamContext

from tests.live_server import free_port

PROGRAM = Path(sys.executable).parent / "nats-server"


class NatsServer:
    """One nats-server on a free loopback port; a new start has the same port and the same JetStream folder."""

    def __init__(self, folder: Path, config: str = "") -> None:
        """``config`` is in the words of nats-server's configuration file."""
        self.folder = folder
        self._config = config
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def __enter__(self) -> NatsServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "config").write_text(self._config)
        arguments = [
            "-c",
            str(self.folder / "config"),
            "-a",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-js",
            "-sd",
            str(self.folder / "store"),
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, *arguments], stderr=log, stdout=log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                if probe.recv(5) == b"INFO ":
                    return
            time.sleep(0.02)
        raise AssertionError(f"nats-server did not start:\n{(self.folder / 'log').read_text()}")

    def kill(self) -> None:
        """End it by SIGKILL, as a power cut of its node would look to others."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=60)
            self._process = None

    def run(self, work: Callable[[JetStreamContext], Awaitable[Any]]) -> Any:
        """Do something with JetStream over a connection of its own."""

        async def connected() -> Any:
            client = Client()
            await client.connect([self.url], allow_reconnect=False)
            try:
                return await work(client.jetstream())
            finally:
                await client.close()

        return asyncio.run(connected())

    def messages(self, stream: str) -> list[Any]:
        """All messages of a stream, in its order; none if there is no such stream."""

        async def read(jetstream: JetStreamContext) -> list[Any]:
            from nats.js.errors import NotFoundError

            try:
                state = (await jetstream.stream_info(stream)).state
            except NotFoundError:
                return []
            held = range(state.first_seq, state.last_seq + 1) if state.messages else range(0)
            return [await jetstream.get_msg(stream, sequence) for sequence in held]

        found: list[Any] = self.run(read)
        return found
