"""What champion and challenger answered, out of Prometheus: the counters of their pods at each block's end.

A block of time is counted once it is over and every pod has been scraped since. What has been counted is remembered, so
that each look asks for what is new only; a process that begins anew asks for all of it, and counts the same.

Blocks of a roll-out that takes long are longer: after each 1000, they are twice as long. So there are never many, and
which they are follows from when it began alone. (Of 15 s each, they last 15 s for four hours, and a minute on the
second day.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from slipway.adapters.prometheus import Prometheus, PrometheusFault, Series
from slipway.canary.counting import Figures, Growth, by_bucket
from slipway.canary.observation import Block, Counts, Rollout
from slipway.rendering.canary import Canary
from slipway.rendering.served import service_name
from slipway.serving.metrics import CLIENT_GONE, DURATION_BOUNDS, SCORE_BOUNDS

_UNANSWERED = str(CLIENT_GONE)
# Answers to requests for a score: V2's infer, Seldon's predictions, gRPC's ModelInfer.
_ROUTES = ".*/infer|.*/predictions|ModelInfer"
_REQUESTS = "sum by (service, pod, code) (slipway_requests_total{{{where}, route=~{routes}}})"
_DURATIONS = "sum by (service, pod, le) (slipway_request_duration_seconds_bucket{{{where}, route=~{routes}}})"
_SCORES = "sum by (service, pod, le) (slipway_score_bucket{{{where}}})"
_SCRAPED = "timestamp(slipway_ready{{{where}}})"
_DURATION_WIDTH, _SCORE_WIDTH = len(DURATION_BOUNDS) + 1, len(SCORE_BOUNDS) + 1
# Blocks of one length, and steps of one query: a few megabytes of JSON.
_ALIKE, _ASKED = 1000, 250
# A scrape that began before a block's end has ended by then, or failed.
_SETTLED_SECONDS = 6.0
# So long a champion that nobody has scraped is not missed: a few scrapes.
_BLIND_SECONDS = 30.0


@dataclass(frozen=True)
class Traffic:
    """What was seen.

    Attributes:
        blocks: since the roll-out began, oldest first.
        gap: since when nothing of the champion has been seen; None if it is.
    """

    blocks: tuple[Block, ...]
    gap: datetime | None


class Sight:
    """Looks at roll-outs, one after another, and remembers what it has counted of each."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus = prometheus
        self._tallies: dict[tuple[str, str], _Tally] = {}

    def look(self, rollout: Rollout, settings: Canary, now: datetime) -> Traffic:
        """What can be seen at ``now``; a Prometheus that cannot be asked is a gap."""
        place = rollout.environment, rollout.model
        tally = self._tallies.get(place)
        key = _Key.of(rollout, settings)
        if tally is None or tally.key != key:
            tally = self._tallies[place] = _Tally(key)
        try:
            gap = tally.catch_up(self._prometheus, now)
        except PrometheusFault:
            gap = tally.seen
        return Traffic(tally.blocks(), gap)

    def forget(self, places: Sequence[tuple[str, str]]) -> None:
        """Forget all roll-outs but those of ``places``."""
        self._tallies = {place: tally for place, tally in self._tallies.items() if place in places}


@dataclass(frozen=True)
class _Key:
    """What a tally is of; with another, counting begins anew.

    Attributes:
        services: of champion and challenger.
        began: seconds since 1970.
        step: a block, in seconds.
    """

    namespace: str
    services: tuple[str, str]
    began: int
    step: int

    @classmethod
    def of(cls, rollout: Rollout, settings: Canary) -> _Key:
        champion = rollout.record.champion
        assert champion is not None
        services = service_name(rollout.model, champion), service_name(rollout.model, rollout.challenger)
        return cls(rollout.environment, services, int(rollout.began.timestamp()), settings.block_seconds)

    def end_of(self, number: int) -> int:
        """When a block ends, in seconds since 1970; they are numbered from 1, and 0 is where the first begins."""
        doubled, rest = divmod(number, _ALIKE)
        length: int = 2**doubled
        return self.began + self.step * (_ALIKE * (length - 1) + rest * length)

    def over_at(self, moment: int) -> int:
        """The number of the last block that is over; negative before the first begins."""
        steps = (moment - self.began) // self.step
        if steps < 0:
            return -1
        doubled = (steps // _ALIKE + 1).bit_length() - 1
        length: int = 2**doubled
        return doubled * _ALIKE + (steps - _ALIKE * (length - 1)) // length

    def query(self, template: str) -> str:
        where = f'namespace="{self.namespace}", service=~"{"|".join(self.services)}"'
        return template.format(where=where, routes=f'"{_ROUTES}"')


class _Family:
    """One kind of counters of both releases, and which of them each release has ever told."""

    def __init__(self, query: str, width: int) -> None:
        self.query = query
        self.width = width
        self._growth = (Growth(width), Growth(width))
        self.told = np.zeros((2, width), bool)

    def columns(self, labels: Mapping[str, str]) -> list[int]:
        """Which counters of its pod a series adds to."""
        raise NotImplementedError

    def read(self, key: _Key, found: Sequence[Series]) -> dict[int, tuple[dict[str, Figures], dict[str, Figures]]]:
        """The counters of the pods of champion and challenger, by moment."""
        read: dict[int, tuple[dict[str, Figures], dict[str, Figures]]] = {}
        for series in found:
            side, columns = key.services.index(series.labels["service"]), self.columns(series.labels)
            self.told[side, columns] = True
            for at, value in series.points:
                pods = read.setdefault(round(at), ({}, {}))[side]
                held = pods.setdefault(series.labels["pod"], np.zeros(self.width, np.int64))
                held[columns] += round(value)
        return read

    def grown(self, values: tuple[dict[str, Figures], dict[str, Figures]], known: bool) -> tuple[Figures, Figures]:
        champion, challenger = (
            growth.since_last(pods, known) for growth, pods in zip(self._growth, values, strict=True)
        )
        return champion, challenger

    def shared(self) -> NDArray[np.bool_]:
        """Which counters both releases tell; those of one while the other has told nothing."""
        one, other = self.told
        return one & other if one.any() and other.any() else one | other


class _Answers(_Family):
    """All requests, those that failed, and those that were never answered, which is failing too."""

    def columns(self, labels: Mapping[str, str]) -> list[int]:
        if labels["code"] == _UNANSWERED:
            return [0, 1, 2]
        return [0, 1] if labels["code"].startswith("5") else [0]


class _Histogram(_Family):
    """Cumulative counts by upper bound, as Prometheus has them."""

    def __init__(self, query: str, bounds: tuple[float, ...]) -> None:
        super().__init__(query, len(bounds) + 1)
        self._places = {bound: place for place, bound in enumerate((*bounds, float("inf")))}

    def columns(self, labels: Mapping[str, str]) -> list[int]:
        place = self._places.get(float(labels["le"]))
        return [] if place is None else [place]


class _Tally:
    """What has been counted of one roll-out."""

    def __init__(self, key: _Key) -> None:
        self.key = key
        self.seen = _moment(key.began)
        self._counted = -1
        self._open = False
        self._requests = _Answers(key.query(_REQUESTS), 3)
        self._durations = _Histogram(key.query(_DURATIONS), DURATION_BOUNDS)
        self._scores = _Histogram(key.query(_SCORES), SCORE_BOUNDS)
        self._families = (self._requests, self._durations, self._scores)
        self._grown: list[tuple[int, tuple[tuple[Figures, Figures], ...]]] = []
        self._blocks: tuple[Block, ...] = ()
        self._shared: list[bytes] = []

    def catch_up(self, prometheus: Prometheus, now: datetime) -> datetime | None:
        """Count what is over and not counted yet; since when the champion is out of sight, None if it is in sight."""
        scraped = self._scraped(prometheus, now)
        if scraped is None:
            return self.seen
        settled, newest = scraped
        last = self.key.over_at(settled)
        while self._counted < last:
            alike = (self._counted // _ALIKE + 1) * _ALIKE if self._counted >= 0 else _ALIKE
            self._count(prometheus, min(last, alike, self._counted + _ASKED))
        self.seen = max(self.seen, _moment(newest))
        return None if now.timestamp() - newest <= _BLIND_SECONDS else self.seen

    def _scraped(self, prometheus: Prometheus, now: datetime) -> tuple[int, int] | None:
        """Up to when all that was scraped is known, and when the champion was last; None if it was not of late."""
        found = prometheus.now(self.key.query(_SCRAPED))
        champion = [each.points[0][1] for each in found if each.labels["service"] == self.key.services[0]]
        if not champion:
            return None
        everybody = min(each.points[0][1] for each in found)
        settled = max(everybody, now.timestamp() - _SETTLED_SECONDS)
        return int(min(settled, max(champion))), int(max(champion))

    def _count(self, prometheus: Prometheus, last: int) -> None:
        """Count the blocks up to number ``last``, which must be as long as the next one."""
        key = self.key
        start, end = key.end_of(self._counted + 1), key.end_of(last)
        step = max((end - start) // max(last - self._counted - 1, 1), 1)
        asked = [prometheus.between(family.query, start, end, step) for family in self._families]
        read = [family.read(key, found) for family, found in zip(self._families, asked, strict=True)]
        for at in range(start, end + 1, step):
            if not read[0].get(at, ({}, {}))[0]:
                continue  # Nothing of the champion: what both answered meanwhile is told by the next step that is seen.
            grown = tuple(
                family.grown(values.get(at, ({}, {})), known=self._open)
                for family, values in zip(self._families, read, strict=True)
            )
            if self._open:
                self._grown.append((at, grown))
            self._open = True
        self._counted = last

    def blocks(self) -> tuple[Block, ...]:
        shared = [family.shared() for family in self._families]
        marks = [each.tobytes() for each in shared]
        if marks != self._shared:
            self._blocks, self._shared = (), marks
        fresh = self._grown[len(self._blocks) :]
        if fresh:
            self._blocks += tuple(_block(at, grown, shared) for at, grown in fresh)
        return self._blocks


def _block(at: int, grown: tuple[tuple[Figures, Figures], ...], shared: list[NDArray[np.bool_]]) -> Block:
    champion, challenger = (_counts([each[side] for each in grown], shared) for side in (0, 1))
    return Block(_moment(at), champion, challenger)


def _counts(grown: list[Figures], shared: list[NDArray[np.bool_]]) -> Counts:
    answers, durations, scores = grown
    return Counts(
        int(answers[0]),
        int(answers[1]),
        by_bucket(durations, len(DURATION_BOUNDS), shared[1]),
        by_bucket(scores, len(SCORE_BOUNDS), shared[2]),
        int(answers[2]),
    )


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
