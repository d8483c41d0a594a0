"""Several workers behind one port: each a process, started again when it dies.

The parent opens one listening socket per worker, all on the same address (SO_REUSEPORT), and the kernel spreads new
connections over them. The parent keeps the sockets open, so that connections that wait for a worker that has died are
answered by the one that takes its place. A worker ends, as on SIGTERM, when its parent is gone.
"""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.serving.settings import Settings

log = logging.getLogger("slipway.serving")

_BACK_OFF_SECONDS = (0.0, 0.5, 2.0, 10.0, 30.0)
# A worker that lived so long did not die of its start.
_SETTLED_SECONDS = 30.0
_KILL_SECONDS = 15.0


@dataclass(frozen=True)
class Place:
    """A worker's place among its peers.

    Attributes:
        number: counts from 0.
        board: folder of the workers' figures.
        descriptor: of the bound socket that it listens on.
    """

    number: int
    board: Path
    descriptor: int


class Supervisor:
    """Starts the workers of one server, and keeps as many running."""

    def __init__(self, folder: Path, settings: Settings, sockets: list[socket.socket], board: Path) -> None:
        self._folder = folder
        self._settings = settings
        self._sockets = sockets
        self._places = [Place(number, board, bound.fileno()) for number, bound in enumerate(sockets)]
        self._running: dict[int, asyncio.subprocess.Process] = {}
        self._ready: dict[int, dict[str, Any]] = {}
        self._stopping = asyncio.Event()
        self._failed: int | None = None

    async def run(self, announce: Callable[[dict[str, Any]], None]) -> int:
        """Until SIGTERM or SIGINT, or until a worker cannot even start; the exit code.

        Args:
            announce: is told the facts of one worker when all are ready for the first time.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        keepers = [loop.create_task(self._keep(place, announce)) for place in self._places]
        await self._stopping.wait()
        for listening in self._sockets:  # or connections would still wait for a worker that takes no more
            listening.close()
        for process in self._running.values():
            with suppress(ProcessLookupError):
                process.terminate()
        seconds = self._settings.unready_seconds + self._settings.drain_seconds + _KILL_SECONDS
        _, late = await asyncio.wait(keepers, timeout=seconds)
        if late:
            for process in self._running.values():
                process.kill()
            await asyncio.wait(keepers)
        return self._failed or 0

    async def _keep(self, place: Place, announce: Callable[[dict[str, Any]], None]) -> None:
        """One worker after the other in this place."""
        deaths = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            code = await self._one(place, announce)
            if self._stopping.is_set():
                return
            if place.number not in self._ready:
                self._failed = code or 1
                self._stopping.set()
                return
            deaths = 1 if time.monotonic() - started > _SETTLED_SECONDS else deaths + 1
            pause = _BACK_OFF_SECONDS[min(deaths, len(_BACK_OFF_SECONDS)) - 1]
            log.warning("worker %d ended with %d; another takes its place in %g s", place.number, code, pause)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _one(self, place: Place, announce: Callable[[dict[str, Any]], None]) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "slipway.serving.worker",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, pass_fds=(place.descriptor,),
        )  # fmt: skip
        self._running[place.number] = process
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(ConnectionError):
            # Its standard input stays open: when it ends, the worker knows that its parent has.
            process.stdin.write(pickle.dumps((self._folder, self._settings, place)))
            await process.stdin.drain()
        if (facts := await process.stdout.readline()) and not self._stopping.is_set():
            first = len(self._ready) < len(self._places)
            self._ready[place.number] = json.loads(facts)
            if first and len(self._ready) == len(self._places):
                announce(self._ready[0])
        code = await process.wait()
        del self._running[place.number]
        return code


def listening_sockets(bind: Callable[[bool], socket.socket], count: int) -> list[socket.socket]:
    """As many sockets on one address, which nobody else may share."""
    bind(False).close()
    with ExitStack() as on_error:
        sockets = [on_error.enter_context(bind(True)) for _ in range(count)]
        on_error.pop_all()
        return sockets
