"""What builds say while they run: one line when a part begins to build, one a while, and one at its end."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from infra.builds.store import Entry

HEARTBEAT = 30.0


@dataclass
class Part:
    """One component or image on its way: `cached` until somebody has to build it."""

    name: str
    state: str = "cached"
    began: float = field(default_factory=time.monotonic)
    started: Callable[[], None] = lambda: None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def building(self) -> None:
        """Say that it was not in the store."""
        self.state, self.began = "built", time.monotonic()
        self.started()


@dataclass(frozen=True)
class Outcome:
    """What became of one part: state is `cached` or `built`."""

    name: str
    state: str
    seconds: float


class Progress:
    """Tells each step to `say`, a function that prints a line; `total` is how many parts are wanted."""

    def __init__(self, say: Callable[[str], None], total: int | None = None) -> None:
        self.total = total
        self.outcomes: list[Outcome] = []
        self.say = say

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[Part]:
        """Follow one part from its look-up to its end."""
        part, done = Part(name), threading.Event()
        part.started = lambda: self._start(part, done)
        try:
            yield part
        finally:
            done.set()
        self.outcomes.append(Outcome(name, part.state, part.seconds))
        self.say(f"{name}: {self._ending(part)}{self._left()}")

    def broken(self, entry: Entry, fault: str) -> None:
        """An entry of the store is not what it was when it was made."""
        self.say(f"{entry.name}: the cached entry {entry.folder} is broken ({fault}), so it is built anew")

    def waiting(self, entry: Entry) -> None:
        """Another process has the lock."""
        self.say(f"{entry.name}: waiting for another process that is building it")

    def _start(self, part: Part, done: threading.Event) -> None:
        self.say(f"{part.name}: building")
        threading.Thread(target=self._beat, args=(part, done), daemon=True).start()

    def _beat(self, part: Part, done: threading.Event) -> None:
        while not done.wait(HEARTBEAT):
            self.say(f"{part.name}: building for {part.seconds:.0f} s{self._left()}")

    def _ending(self, part: Part) -> str:
        return f"built in {part.seconds:.0f} s" if part.state == "built" else "in the cache"

    def _left(self) -> str:
        return "" if self.total is None else f" ({max(self.total - len(self.outcomes), 0)} left)"


class Quiet(Progress):
    """Says nothing."""

    def __init__(self) -> None:
        super().__init__(lambda line: None)
