"""A Prometheus of the few queries that a roll-out asks, over loopback HTTP, of samples that a test makes up."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from slipway.serving.metrics import DURATION_BOUNDS, SCORE_BOUNDS

# As Prometheus: what was not scraped for so long is not there.
LOOKBACK = 300.0
SCRAPE = 5.0
Labels = dict[str, str]
Sample = tuple[str, Labels, float, float]
_QUERY = re.compile(r"(?:sum by \((?P<by>[^)]*)\) |(?P<timestamp>timestamp))\((?P<name>\w+)\{(?P<where>[^}]*)\}\)")
_MATCHER = re.compile(r'(\w+)(=~?)"([^"]*)"')


@dataclass
class Pod:
    """A pod whose answers follow from the time alone.

    Attributes:
        start, end: seconds since 1970 in which it runs.
        rate: requests a second.
        errors: the share of 5xx.
        unanswered: the share that hangs until its client gives up.
        seconds: how long each answer takes.
        score: of each answer.
        restarts: moments at which its counters began anew.
        blind: moments from which and until which it is not scraped.
    """

    service: str
    name: str
    start: float
    rate: float = 100.0
    errors: float = 0.0
    seconds: float = 0.003
    score: float = 0.21
    end: float = float("inf")
    restarts: tuple[float, ...] = ()
    blind: tuple[float, float] | None = None
    unanswered: float = 0.0

    def samples(self, at: float, namespace: str) -> Iterator[Sample]:
        """Name, labels, time and value of what was scraped last at ``at``."""
        scraped = at // SCRAPE * SCRAPE
        if self.blind is not None and self.blind[0] <= scraped < self.blind[1]:
            return
        if not self.start <= scraped < self.end:
            return
        begun = max((moment for moment in (self.start, *self.restarts) if moment <= scraped), default=self.start)
        count = int(self.rate * (scraped - begun))
        failed, hung = int(self.errors * count), int(self.unanswered * count)
        base = {"namespace": namespace, "service": self.service, "pod": self.name}
        route = {**base, "protocol": "v2", "route": "/v2/models/{model}/infer"}
        yield "slipway_ready", base, scraped, 1.0
        yield "slipway_requests_total", {**route, "code": "200"}, scraped, float(count - failed - hung)
        yield "slipway_requests_total", {**base, "protocol": "v2", "route": "/v2", "code": "200"}, scraped, 1e6
        if hung:
            yield "slipway_requests_total", {**route, "code": "499"}, scraped, float(hung)
        if failed:
            yield "slipway_requests_total", {**route, "code": "500"}, scraped, float(failed)
        if count > hung:
            for bound in (*DURATION_BOUNDS, float("inf")):
                labels = {**route, "le": _le(bound)}
                yield (
                    "slipway_request_duration_seconds_bucket",
                    labels,
                    scraped,
                    float((count - hung) * (self.seconds <= bound)),
                )
        for bound in (*SCORE_BOUNDS, float("inf")):
            yield "slipway_score_bucket", {**base, "le": _le(bound)}, scraped, float(count * (self.score <= bound))


@dataclass
class FakePrometheus:
    """It.

    Attributes:
        pods: that it scrapes.
        away: answer nothing but 503.
        clock: what it takes for now.
        asked: how many steps each query had, in turn.
    """

    pods: list[Pod] = field(default_factory=list)
    namespace: str = "production"
    away: bool = False
    clock: Callable[[], float] = time.time
    asked: list[int] = field(default_factory=list)

    def __enter__(self) -> FakePrometheus:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                asked = {name: values[0] for name, values in parse_qs(body).items()}
                status, answer = outer.answer(self.path, asked)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, path: str, asked: Labels) -> tuple[int, dict[str, Any]]:
        """Status and body of an answer."""
        if self.away:
            return 503, {"status": "error", "error": "starting up"}
        parsed = _QUERY.fullmatch(asked["query"])
        if parsed is None:
            return 400, {"status": "error", "error": f"parse error: {asked['query']}"}
        if path == "/api/v1/query":
            now = self.clock()
            vector = [{"metric": dict(key), "value": [now, str(v)]} for key, v in self._at(parsed, now).items()]
            return 200, _success("vector", vector)
        start, end, step = (int(asked[name]) for name in ("start", "end", "step"))
        matrix: dict[tuple[tuple[str, str], ...], list[list[Any]]] = {}
        moments = range(start, end + 1, step)
        self.asked.append(len(moments))
        for at in moments:
            for key, value in self._at(parsed, at).items():
                matrix.setdefault(key, []).append([at, str(value)])
        return 200, _success("matrix", [{"metric": dict(key), "values": values} for key, values in matrix.items()])

    def _at(self, parsed: re.Match[str], at: float) -> dict[tuple[tuple[str, str], ...], float]:
        found: dict[tuple[tuple[str, str], ...], float] = {}
        for labels, scraped, value in self._latest(parsed["name"], parsed["where"], at):
            if parsed["timestamp"]:
                found[tuple(sorted(labels.items()))] = scraped
            else:
                key = tuple((name, labels[name]) for name in parsed["by"].split(", "))
                found[key] = found.get(key, 0.0) + value
        return found

    def _latest(self, name: str, where: str, at: float) -> Iterator[tuple[Labels, float, float]]:
        for pod in self.pods:
            for found, labels, scraped, value in pod.samples(min(at, self.clock()), self.namespace):
                if found == name and at - scraped <= LOOKBACK and _fits(labels, where):
                    yield labels, scraped, value


def _fits(labels: Labels, where: str) -> bool:
    return all(
        (re.fullmatch(value, labels.get(name, "")) is not None) if kind == "=~" else labels.get(name, "") == value
        for name, kind, value in _MATCHER.findall(where)
    )


def _le(bound: float) -> str:
    return "+Inf" if bound == float("inf") else repr(bound)


def _success(kind: str, result: list[dict[str, Any]]) -> dict[str, Any]:
    return {"status": "success", "data": {"resultType": kind, "result": result}}
