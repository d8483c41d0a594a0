"""Every metric of a server, in one place.

While a request is answered, numbers are counted in plain lists; what Prometheus asks for is made of them when it asks.
Labels come from the code only, never from a request, so that their number is bounded.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from slipway.serving.figures import GROWING, Board, Counted, Figures, Route

# A tenth apart (24 a decade) where answers are expected, from 32 µs to 1 s: the canary sees latency by these alone, and
# what is slower by less than a bucket is not slower to it.
DURATION_BOUNDS = (*(float(f"{10 ** (step / 24):.4g}") for step in range(-108, 1)), 2.5, 5.0, 10.0, 30.0)
QUEUE_BOUNDS = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
# Finer at both ends, where the scores of rare events lie.
_ENDS = (0.001, 0.002, 0.005, 0.01)
SCORE_BOUNDS = (0.0, *_ENDS, *(step / 50 for step in range(1, 50)), *(1 - end for end in reversed(_ENDS)), 1.0)
# The code under which a request counts whose client went away before it was answered, as in nginx.
CLIENT_GONE = 499


class Histogram:
    """Counts of values by upper bound."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Count ``value``; a bound belongs to the bucket below it."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def counted(self) -> Counted:
        """What has been counted so far."""
        return Counted(list(self.counts), self.sum)


class RouteFigures:
    """What is counted of one route.

    Attributes:
        protocol: "v2", "seldon" or "other".
        route: the path as a template; "unknown" for all that are not served.
    """

    __slots__ = ("codes", "duration", "protocol", "route")

    def __init__(self, protocol: str, route: str) -> None:
        self.protocol = protocol
        self.route = route
        self.codes: Counter[int] = Counter({200: 0})
        self.duration = Histogram(DURATION_BOUNDS)


class Metrics(Collector):
    """The figures of one server and their exposition.

    Attributes:
        in_flight: POST requests whose head has arrived and that are not answered.
        queue: seconds that what arrives waits for the event loop.
        scores: of all answered rows.
        failures: broken validation rules by name.
        release: labels of the info metric.
        ready: whether the server is ready.
        log_counts: the request log's own counts, or None without one.
        board: the figures of the other workers; None for a server of one.
    """

    def __init__(self, release: Mapping[str, str], board: Board | None = None) -> None:
        self.in_flight = 0
        self.queue = Histogram(QUEUE_BOUNDS)
        self.scores = Histogram(SCORE_BOUNDS)
        self.failures: Counter[str] = Counter()
        self.feedback = 0
        self.release = dict(release)
        self.ready: Callable[[], bool] = lambda: False
        self.log_counts: Callable[[], Mapping[str, float]] | None = None
        self.board = board
        self._routes: dict[tuple[str, str], RouteFigures] = {}
        self.registry = CollectorRegistry()
        self.registry.register(self)
        if board is None:  # of several processes, those of the one that happens to answer would say nothing
            ProcessCollector(registry=self.registry)

    def route(self, protocol: str, route: str) -> RouteFigures:
        """The figures of a route, always the same object."""
        return self._routes.setdefault((protocol, route), RouteFigures(protocol, route))

    def statuses(self) -> Counter[int]:
        """Answers by status so far, over all routes."""
        return sum((figures.codes for figures in self._routes.values()), Counter[int]())

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All metrics in the text format that ``accept`` asks for (OpenMetrics or Prometheus), and its content type."""
        try:
            encode, kind = choose_encoder(accept)
        except (TypeError, ValueError):  # the library compares a version that is no number
            encode, kind = choose_encoder("")
        return encode(self.registry), kind

    def describe(self) -> Iterable[Metric]:
        """Nothing: what is registered is never asked for by name."""
        return []

    def figures(self) -> Figures:
        """What this process has counted."""
        routes = {
            f"{route.protocol} {route.route}": Route(dict(route.codes), route.duration.counted())
            for route in list(self._routes.values())
        }
        log = dict(self.log_counts()) if self.log_counts is not None else {}
        return Figures(
            self.in_flight, self.ready(), self.feedback, self.queue.counted(), self.scores.counted(),
            dict(self.failures), routes, log,
        )  # fmt: skip

    def collect(self) -> Iterable[Metric]:
        """What Prometheus reads."""
        figures = self.figures()
        if self.board is not None:
            figures = self.board.total(figures)
        yield from _requests(figures)
        yield from self._model(figures)
        if figures.log:
            yield from _log(figures.log)

    def _model(self, figures: Figures) -> Iterable[Metric]:
        failures = CounterMetricFamily(
            "slipway_validation_failures", "Broken rules of refused requests.", labels=["rule"]
        )
        for rule, count in sorted(figures.failures.items()):
            failures.add_metric([rule], count)
        yield failures
        yield _histogram("slipway_score", "Scores of answered rows.", SCORE_BOUNDS, figures.scores)
        yield CounterMetricFamily("slipway_feedback", "Feedback messages taken.", value=figures.feedback)
        yield InfoMetricFamily("slipway_release", "The release that answers.", value=self.release)
        yield GaugeMetricFamily("slipway_ready", "1 while the server is ready.", value=float(figures.ready))


def _requests(figures: Figures) -> Iterable[Metric]:
    labels = ["protocol", "route"]
    requests = CounterMetricFamily("slipway_requests", "Requests answered.", labels=[*labels, "code"])
    duration = HistogramMetricFamily(
        "slipway_request_duration_seconds", "From a request's first byte to its answer.", labels=labels
    )
    for name, route in figures.routes.items():
        named = name.split(" ", 1)
        for code, count in sorted(route.codes.items()):
            requests.add_metric([*named, str(code)], count)
        if route.duration.sum:
            duration.add_metric(named, _buckets(DURATION_BOUNDS, route.duration), route.duration.sum)
    yield from (requests, duration)
    said = "What arrives waits so long for the event loop; sampled ten times a second."
    yield _histogram("slipway_queue_time_seconds", said, QUEUE_BOUNDS, figures.queue)
    yield GaugeMetricFamily(
        "slipway_requests_in_flight", "Requests begun and not answered yet.", value=figures.in_flight
    )


def _log(counts: Mapping[str, float]) -> Iterable[Metric]:
    records = CounterMetricFamily("slipway_request_log_records", "Records by what became of them.", labels=["fate"])
    for fate in GROWING:
        records.add_metric([fate], counts[fate])
    yield records
    yield GaugeMetricFamily(
        "slipway_request_log_pending_records", "Records in memory, not acknowledged yet.", value=counts["pending"]
    )
    yield GaugeMetricFamily(
        "slipway_request_log_spool_bytes", "Bytes on disk, not sent yet.", value=counts["spool_bytes"]
    )
    yield GaugeMetricFamily("slipway_request_log_connected", "1 while NATS is connected.", value=counts["connected"])


def _histogram(name: str, said: str, bounds: tuple[float, ...], counted: Counted) -> HistogramMetricFamily:
    family = HistogramMetricFamily(name, said)
    family.add_metric([], _buckets(bounds, counted), counted.sum)
    return family


def _buckets(bounds: tuple[float, ...], counted: Counted) -> list[tuple[str, float]]:
    """Upper bounds and cumulative counts, as Prometheus reads them."""
    names = [*map(floatToGoString, bounds), "+Inf"]
    return list(zip(names, map(float, accumulate(counted.counts or [0] * len(names))), strict=True))
