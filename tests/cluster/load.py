"""Steady load on one address by several connections, with every answer counted."""

from __future__ import annotations

import http.client
import re
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import cycle
from types import TracebackType
from urllib.parse import urlsplit

PLANTED = "x-planted-fault"
"""The header by which a server of faulty_servers/ says that it failed on purpose."""
_RELEASE = re.compile(rb'"model_version":"([0-9a-f]{64})"')


@dataclass(frozen=True)
class Answer:
    """One answer, or none.

    Attributes:
        at: when it came, in seconds since the epoch.
        status: of HTTP, or the name of the error that came instead of an answer.
        release: the digest that gave it; empty where the answer does not say.
        planted: whether it says of itself that it failed on purpose.
    """

    at: float
    status: int | str
    release: str
    planted: bool = False


class Load:
    """Asks as long as the block takes; ``answers`` holds every answer so far."""

    def __init__(self, url: str, host: str, path: str, *bodies: bytes, clients: int = 4, pause: float = 0.01) -> None:
        self.answers: list[Answer] = []
        self._address = urlsplit(url)
        self._path, self._headers = path, {"Host": host, "Content-Type": "application/json"}
        self._pause = pause
        self._stop = threading.Event()
        self._clients = [
            threading.Thread(target=self._ask, args=([*bodies[at:], *bodies[:at]],), daemon=True)
            for at in (number * len(bodies) // clients for number in range(clients))
        ]

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
    def counts(self) -> Counter[int | str]:
        """How often each status, or error, was the answer."""
        return Counter(answer.status for answer in self.answers)

    @property
    def total(self) -> int:
        return len(self.answers)

    def of(self, release: str) -> list[Answer]:
        """The answers that a release gave, as far as they say so."""
        return [answer for answer in self.answers if answer.release == release]

    def failed(self) -> list[Answer]:
        """The answers that are none, or not 200, and were not planted."""
        return [answer for answer in self.answers if answer.status != http.client.OK and not answer.planted]

    def wait_for(self, more: int, seconds: float = 120) -> None:
        """Wait until so many more requests are answered. Raises AssertionError."""
        wanted, end = self.total + more, time.monotonic() + seconds
        while self.total < wanted:
            assert time.monotonic() < end, self.counts
            time.sleep(0.05)

    def _ask(self, bodies: Sequence[bytes]) -> None:
        asked = cycle(bodies)
        while not self._stop.is_set():
            connection = http.client.HTTPConnection(self._address.hostname or "", self._address.port, timeout=30)
            with closing(connection), suppress(ConnectionClosed):
                for body in asked:
                    if self._stop.is_set():
                        return
                    self._ask_once(connection, body)
                    time.sleep(self._pause)

    def _ask_once(self, connection: http.client.HTTPConnection, body: bytes) -> None:
        try:
            connection.request("POST", self._path, body, self._headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.answers.append(Answer(time.time(), type(error).__name__, ""))
            raise ConnectionClosed from error
        found = _RELEASE.search(content)
        planted = answer.getheader(PLANTED) is not None
        self.answers.append(Answer(time.time(), answer.status, found[1].decode() if found else "", planted))
        if answer.will_close:
            raise ConnectionClosed


class ConnectionClosed(Exception):
    """The next request needs another connection."""
