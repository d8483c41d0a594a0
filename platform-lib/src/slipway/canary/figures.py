"""What the loop says of itself and of each roll-out to Prometheus, and whether it is alive."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Gauge, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from slipway.canary.comparison import Finding
from slipway.canary.decision import Action, Decision
from slipway.canary.observation import Rollout, Shadowed
from slipway.rendering.served import predictor_name

Place = tuple[str, str]
# `slipway status` reads these back.
PAIRS, DIFFERING, E_VALUE = "slipway_rollout_pairs", "slipway_rollout_pairs_differing", "slipway_rollout_e_value"
_LABELS = ("environment", "model", "release")
# Longer than any one call takes before it is given up: Git's, two minutes.
_STUCK_SECONDS = 180.0


def label(rollout: Rollout) -> str:
    """How a roll-out's challenger is called in a metric: as its predictor, so that two images of a release are two."""
    return predictor_name(rollout.challenger)


@dataclass
class _State:
    """What is known of one roll-out."""

    release: str
    weight: int
    held: bool = False
    looked: float | None = None
    findings: tuple[Finding, ...] = ()
    shadow: Shadowed | None = None


@dataclass(eq=False)  # the registry keeps it by its identity
class Figures(Collector):
    """The metrics. One that is of a roll-out is gone with it."""

    clock: Callable[[], float] = monotonic
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    _states: dict[Place, _State] = field(default_factory=dict, init=False)
    _broken: set[Place] = field(default_factory=set, init=False)
    _alerts: dict[Place, dict[str, float]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        registry = self.registry
        self.decisions = Counter(
            "slipway_rollout_decisions", "Decisions by action.", (*_LABELS, "action"), registry=registry
        )
        self.leader = Gauge("slipway_rollout_leader", "1 for the loop that acts.", registry=registry)
        self.faults = Counter(
            "slipway_rollout_faults", "Looks that failed, by what was looked at.", ("of",), registry=registry
        )
        self._alive = self.clock()
        registry.register(self)

    def breathe(self) -> None:
        """Say that the loop goes on."""
        self._alive = self.clock()

    def alive(self) -> bool:
        """Whether it has gone on of late."""
        return self.clock() - self._alive < _STUCK_SECONDS

    def under_way(self, places: Sequence[Place], broken: Sequence[Place]) -> None:
        """Where roll-outs are, so that those of all other places are forgotten; and where nothing can be decided."""
        self._states = {place: state for place, state in self._states.items() if place in places}
        self._broken = set(broken)

    def exist(self, alerts: dict[Place, dict[str, float]]) -> None:
        """Which models there are, and the thresholds of their alerts by name."""
        self._alerts = alerts

    def decided(self, rollout: Rollout, decision: Decision, at: float, shadow: Shadowed | None = None) -> None:
        """What a look at ``at`` seconds since 1970 came to, and what it saw of the shadow's pairs."""
        release = label(rollout)
        self.decisions.labels(rollout.environment, rollout.model, release, decision.action.value).inc()
        self._states[rollout.environment, rollout.model] = _State(
            release, rollout.challenger.weight, decision.action is Action.HOLD, at, decision.findings, shadow
        )

    def describe(self) -> Iterable[Metric]:
        """Nothing: what is registered is never asked for by name."""
        return []

    def collect(self) -> Iterable[Metric]:
        """What Prometheus reads of the roll-outs."""
        weight = GaugeMetricFamily("slipway_rollout_weight", "Percent of the traffic.", labels=_LABELS)
        held = GaugeMetricFamily("slipway_rollout_held", "1 while people must decide.", labels=_LABELS)
        looked = GaugeMetricFamily(
            "slipway_rollout_last_look_timestamp_seconds", "When it was last looked at.", labels=_LABELS
        )
        evidence = GaugeMetricFamily(E_VALUE, "Evidence against the challenger.", labels=(*_LABELS, "aspect"))
        threshold = GaugeMetricFamily(
            "slipway_rollout_e_value_threshold", "At which it is rolled back.", labels=(*_LABELS, "aspect")
        )
        for place, state in list(self._states.items()):
            labels = [*place, state.release]
            weight.add_metric(labels, state.weight)
            held.add_metric(labels, float(state.held))
            if state.looked is not None:
                looked.add_metric(labels, state.looked)
            for finding in state.findings:
                evidence.add_metric([*labels, finding.aspect], finding.e_value)
                threshold.add_metric([*labels, finding.aspect], finding.threshold)
        yield from (weight, held, looked, evidence, threshold)
        yield from self._of_shadows()
        yield from self._of_places()

    def _of_shadows(self) -> Iterable[Metric]:
        pairs = GaugeMetricFamily(PAIRS, "Of a shadow, that have been compared.", labels=_LABELS)
        differing = GaugeMetricFamily(DIFFERING, "Of these, that differ by more than is tolerated.", labels=_LABELS)
        for place, state in list(self._states.items()):
            if state.shadow is not None:
                pairs.add_metric([*place, state.release], state.shadow.pairs)
                differing.add_metric([*place, state.release], state.shadow.differing)
        yield from (pairs, differing)

    def _of_places(self) -> Iterable[Metric]:
        broken = GaugeMetricFamily(
            "slipway_rollout_broken", "1 where nothing can be decided.", labels=("environment", "model")
        )
        alerts = GaugeMetricFamily(
            "slipway_alert_threshold", "Of a model's alerts.", labels=("environment", "model", "alert")
        )
        for place, thresholds in list(self._alerts.items()):
            broken.add_metric(list(place), float(place in self._broken))
            for alert, value in thresholds.items():
                alerts.add_metric([*place, alert], value)
        yield from (broken, alerts)


def listen(figures: Figures, host: str, port: int) -> ThreadingHTTPServer:
    """Answer /metrics, and /healthz: 200 while the loop goes on, else 503; in threads of their own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._answer(200, generate_latest(figures.registry), CONTENT_TYPE_PLAIN_0_0_4)
            elif self.path == "/healthz":
                alive = figures.alive()
                self._answer(200 if alive else 503, b"alive\n" if alive else b"stuck\n", "text/plain")
            else:
                self._answer(404, b"There are /metrics and /healthz.\n", "text/plain")

        def _answer(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Nothing: probes would fill the log."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
