"""Steady load on one address by several connections, with every answer counted."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from types import TracebackType
from urllib.parse import urlsplit


class Load:
    """Asks as long as the block takes; afterwards ``counts`` holds how often each status, or error, was the answer."""

    def __init__(self, url: str, host: str, path: str, body: bytes, clients: int = 4, pause: float = 0.01) -> None:
        self.counts: Counter[int | str] = Counter()
        self._address = urlsplit(url)
        self._request = ("POST", path, body, {"Host": host, "Content-Type": "application/json"})
        self._pause = pause
        self._stop = threading.Event()
        self._clients = [threading.Thread(target=self._ask, daemon=True) for _ in range(clients)]

    def __enter__(self) -> Load:
        for client in self._clients:
            client.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for client in self._clients:
            client.join(timeout=60)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def wait_for(self, more: int, seconds: float = 120) -> None:
        """Wait until so many more requests are answered. Raises AssertionError."""
        wanted, end = self.total + more, time.monotonic() + seconds
        while self.total < wanted:
            assert time.monotonic() < end, self.counts
            time.sleep(0.05)

    def _ask(self) -> None:
        while not self._stop.is_set():
            connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=30)
            with closing(connection), suppress(ConnectionClosed):
                while not self._stop.is_set():
                    self._ask_once(connection)
                    time.sleep(self._pause)

    def _ask_once(self, connection: http.client.HTTPConnection) -> None:
        try:
            connection.request(*self._request)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.counts[type(error).__name__] += 1
            raise ConnectionClosed from error
        self.counts[answer.status] += 1
        if answer.will_close:
            raise ConnectionClosed


class ConnectionClosed(Exception):
    """The next request needs another connection."""
