"""What a worker has counted, as a value: to be added to that of its peers, and taken over by the one after it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

Name = TypeVar("Name", int, str)
Number = TypeVar("Number", int, float, "Route")


class Counted(msgspec.Struct):
    """A histogram: counts by bucket, the last of them without a bound, and the sum of all values."""

    counts: list[int] = []
    sum: float = 0.0

    def __add__(self, other: Counted) -> Counted:
        if not self.counts or not other.counts:
            return Counted(self.counts or other.counts, self.sum + other.sum)
        return Counted(
            [mine + yours for mine, yours in zip(self.counts, other.counts, strict=True)], self.sum + other.sum
        )


class Route(msgspec.Struct):
    """Answers by status, and their durations in seconds, of one route."""

    codes: dict[int, int] = {}
    duration: Counted = msgspec.field(default_factory=Counted)

    def __add__(self, other: Route) -> Route:
        return Route(_summed(self.codes, other.codes), self.duration + other.duration)


class Figures(msgspec.Struct):
    """Everything that one worker has counted.

    Attributes:
        in_flight: POST requests whose head has arrived and that are not answered.
        ready: whether it answers.
        feedback: feedback messages.
        queue, scores: see :class:`slipway.serving.metrics.Metrics`.
        failures: broken rules by name.
        routes: by protocol and template, separated by a space.
        log: the request log's own counts; empty without one.
    """

    in_flight: int = 0
    ready: bool = False
    feedback: int = 0
    queue: Counted = msgspec.field(default_factory=Counted)
    scores: Counted = msgspec.field(default_factory=Counted)
    failures: dict[str, int] = {}
    routes: dict[str, Route] = {}
    log: dict[str, float] = {}

    def __add__(self, other: Figures) -> Figures:
        return Figures(
            self.in_flight + other.in_flight,
            self.ready or other.ready,
            self.feedback + other.feedback,
            self.queue + other.queue,
            self.scores + other.scores,
            _summed(self.failures, other.failures),
            _summed(self.routes, other.routes),
            _added(self.log, other.log),
        )

    def of_the_past(self) -> Figures:
        """What stays true when the worker has died: all that only ever grows."""
        kept = {name: count for name, count in self.log.items() if name in GROWING}
        return Figures(0, False, self.feedback, self.queue, self.scores, self.failures, self.routes, kept)


# Of the request log's counts; the others are states.
GROWING = ("published", "spooled", "replayed", "dropped")


def _summed(mine: dict[Name, Number], yours: dict[Name, Number]) -> dict[Name, Number]:
    return mine | {name: mine[name] + count if name in mine else count for name, count in yours.items()}


def _added(mine: dict[str, float], yours: dict[str, float]) -> dict[str, float]:
    added = _summed(mine, yours)
    states = [log["connected"] for log in (mine, yours) if "connected" in log]
    return added | ({"connected": min(states)} if states else {})


class Board:
    """Where the workers of one server leave their figures for each other: one file each.

    A worker's file outlives it, so that what the next one in its place counts goes on from there, and no counter ever
    falls.
    """

    def __init__(self, folder: Path, place: int | None = None) -> None:
        """Open the board.

        Args:
            folder: of the files.
            place: of the worker that this process is, or None for one that only reads.
        """
        self._folder = folder
        self._mine = folder / str(place)
        self._before = self._read([self._mine]).of_the_past()

    def publish(self, figures: Figures) -> None:
        """Leave this worker's figures."""
        staged = self._mine.with_suffix(".new")
        staged.write_bytes(msgspec.msgpack.encode(self._before + figures))
        os.replace(staged, self._mine)

    def total(self, figures: Figures) -> Figures:
        """The figures of all workers; of this one those given, which are newer than its file."""
        others = [file for file in sorted(self._folder.iterdir()) if file.name.isdigit() and file != self._mine]
        return self._read(others) + self._before + figures

    def _read(self, files: Iterable[Path]) -> Figures:
        found = [file.read_bytes() for file in files if file.exists()]
        return sum((msgspec.msgpack.decode(content, type=Figures) for content in found), Figures())
