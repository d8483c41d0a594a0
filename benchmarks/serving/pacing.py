"""Loading a server at a constant rate: the schedule does not wait for answers, as users do not.

wrk only knows how to go as fast as it can, where a faster server gets more requests and so no equal load. Here the
k-th request is due at k / rate seconds. It goes out on whichever of a few connections is idle; with none idle it
waits, and the waiting counts as latency (no coordinated omission). What does not count is how late the client itself
wakes up: its timers are good to a millisecond. The client is the same for all servers and takes about 100 µs of a
core for each request.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import numpy as np
import uvloop

from benchmarks.serving.requests import Requests
from slipway.errors import EnvironmentFault

CONNECTIONS = 16
_PATIENCE_SECONDS = 10.0
_END_OF_HEAD = b"\r\n\r\n"


def latencies(port: int, requests: Requests, per_second: float, seconds: float) -> Sequence[float]:
    """Post the bodies in turn to loopback, ``per_second`` of them for ``seconds``; the latency of each in seconds.

    Raises:
        EnvironmentFault: when an answer is not 2xx, or requests are left unanswered ten seconds after the end.
    """
    head = f"POST {requests.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: "
    messages = [head.encode() + str(len(body)).encode() + _END_OF_HEAD + body for body in requests.bodies]
    return uvloop.run(_Client(port, messages).drive(int(per_second * seconds), 1 / per_second))


def p99_ms(found: Sequence[float]) -> float:
    """The 99th percentile in milliseconds."""
    return 1e3 * float(np.percentile(found, 99))


class _Client:
    def __init__(self, port: int, messages: Sequence[bytes]) -> None:
        self._port = port
        self._messages = messages
        self._due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._latencies: list[float] = []

    async def drive(self, count: int, interval: float) -> Sequence[float]:
        connections = [asyncio.create_task(self._connection()) for _ in range(CONNECTIONS)]
        finished = asyncio.create_task(self._schedule(count, interval))
        deadline = count * interval + _PATIENCE_SECONDS
        await asyncio.wait((finished, *connections), timeout=deadline, return_when=asyncio.FIRST_COMPLETED)
        for task in (finished, *connections):
            task.cancel()
        for ended in await asyncio.gather(*connections, return_exceptions=True):
            if isinstance(ended, EnvironmentFault | OSError):
                raise ended
        if len(self._latencies) < count:
            missing = count - len(self._latencies)
            raise EnvironmentFault(f"127.0.0.1:{self._port} left {missing} of {count} requests unanswered.")
        return self._latencies

    async def _schedule(self, count: int, interval: float) -> None:
        start = time.perf_counter()
        for number in range(count):
            ahead = start + number * interval - time.perf_counter()
            if ahead > 0:
                await asyncio.sleep(ahead)
            self._due.put_nowait((time.perf_counter(), self._messages[number % len(self._messages)]))
        await self._due.join()

    async def _connection(self) -> None:
        """Send what is due, one request at a time; the connection is opened by the first, and where it was closed."""
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while True:
                due, message = await self._due.get()
                answered = False
                while not answered:
                    streams = streams or await asyncio.open_connection("127.0.0.1", self._port)
                    answered, closing = await _exchange(*streams, message)
                    if closing:
                        streams[1].close()
                        streams = None
                self._latencies.append(time.perf_counter() - due)
                self._due.task_done()
        finally:
            if streams:
                streams[1].close()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes) -> tuple[bool, bool]:
    """Send a request and read its answer; whether it was answered, and whether the connection is at its end."""
    try:
        writer.write(message)
        head = (await reader.readuntil(_END_OF_HEAD)).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
    # A server closes an idle connection when it likes, at times just when a request goes out on it.
    except (ConnectionError, asyncio.IncompleteReadError):
        return False, True
    if not head.split(b" ", 2)[1].startswith(b"2"):
        raise EnvironmentFault(f"An answer under constant load is not 2xx: {body[:300]!r}")
    return True, b"\nconnection: close" in head
