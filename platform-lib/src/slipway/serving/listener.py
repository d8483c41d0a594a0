"""Listening for connections, looking after them, and letting them go."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from time import perf_counter

from slipway.serving.app import App
from slipway.serving.http import Connection
from slipway.serving.settings import Settings

_BACKLOG = 4096
_MOST_DESCRIPTORS = 1 << 16
_KEPT_DESCRIPTORS = 128
_STEP_SECONDS = 0.01


class Listener:
    """All connections of one server."""

    def __init__(self, app: App, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._connections: set[Connection] = set()
        self._most = most_connections()
        self._server: asyncio.Server | None = None

    async def open(self, listening: socket.socket) -> None:
        """Take connections from a bound socket."""
        self._server = await asyncio.get_running_loop().create_server(self.connection, sock=listening, backlog=_BACKLOG)

    def connection(self) -> Connection:
        """What answers a new connection."""
        return Connection(self._app, self._settings, self)

    def admit(self, connection: Connection) -> bool:
        """Keep a new connection, if there is room for one more."""
        if len(self._connections) >= self._most:
            return False
        self._connections.add(connection)
        return True

    def forget(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self._connections.discard(connection)

    def expire(self) -> None:
        """Look after what takes too long; called every now and then."""
        now = perf_counter()
        for connection in list(self._connections):
            connection.expire(now)

    async def close(self, seconds: float) -> bool:
        """Take no more connections, close the idle ones, and wait for the others; whether all ended in time."""
        if self._server is not None:
            self._server.close()
        deadline = perf_counter() + seconds
        while self._connections:
            if perf_counter() > deadline:
                return False
            for connection in list(self._connections):
                connection.close_if_idle()
            await asyncio.sleep(_STEP_SECONDS)
        return True


def most_connections() -> int:
    """As many connections at once as descriptors allow."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _MOST_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    allowed = wanted if soft == resource.RLIM_INFINITY else min(soft, wanted)
    return max(_KEPT_DESCRIPTORS, allowed - _KEPT_DESCRIPTORS)
