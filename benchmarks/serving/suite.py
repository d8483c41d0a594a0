"""What is measured, and in which order: all servers in turn, again and again, so that noise hits all alike."""

from __future__ import annotations

import contextlib
import json
import statistics
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.serving import pacing, requests, servers, wrk
from benchmarks.serving.comparisons import Bound, Comparison
from benchmarks.serving.requests import Requests
from benchmarks.serving.servers import Launch, Running
from benchmarks.serving.wrk import Load
from slipway.progress import step

CONNECTIONS = (1, 8, 64)
THROUGHPUT = Bound(10, least=True)
EQUAL_LOAD = Bound(0.2)
EMPTY = Bound(0.6, least=True)
MEMORY_MIB = Bound(250, ratio=False)
COLD_START_SECONDS = Bound(2, ratio=False)
# Of what the stock server can do at most: busy, but not so that any queue grows for ever.
_EQUAL_LOAD_SHARE = 0.7
_TRIES = 3
OURS, EMPTY_HANDLER, MLSERVER, SELDON = "slipway", "empty", "mlserver", "seldon"
V2, V1 = "V2", "Seldon v1"
# Server and protocol, in the order in which they are loaded.
_CELLS = ((OURS, V2), (MLSERVER, V2), (OURS, V1), (SELDON, V1), (EMPTY_HANDLER, V2))
_PEERS = {V2: MLSERVER, V1: SELDON}


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Attributes:
        rounds: how often everything is measured.
        seconds: of each load, a whole number, for wrk takes no other.
        cold_starts: how often each server is started alone.
        choose: whether to try settings of the stock servers and take their best, or to take what was best before.
    """

    rounds: int = 3
    seconds: int = 3
    cold_starts: int = 3
    choose: bool = True


@dataclass
class Found:
    """All measurements in the order of rounds; loads, and CPU µs of an answer, by (server, protocol, connections)."""

    loads: dict[tuple[str, str, int], list[Load]] = field(default_factory=lambda: defaultdict(list))
    processor: dict[tuple[str, str, int], list[float]] = field(default_factory=lambda: defaultdict(list))
    tried: dict[str, float] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    equal_load: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    memory: dict[str, list[float]] = field(default_factory=dict)
    cold_starts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def broken(self) -> dict[str, int]:
        """Connections that broke, by server; zero everywhere is what should be."""
        counted: dict[str, int] = defaultdict(int)
        for (server, _, _), loads in self.loads.items():
            counted[server] += sum(load.broken for load in loads)
        return counted


def measure(release: Path, ours: Launch, plan: Plan, scratch: Path) -> tuple[Found, Mapping[str, Launch]]:
    """Measure all servers with ``release``; ``ours`` says how our own is started.

    Raises:
        EnvironmentFault: when a server does not start, or anything is not answered with 2xx.
    """
    found = Found()
    bodies = {V2: requests.open_inference(release), V1: requests.seldon(release)}
    files = {protocol: one.write(scratch / f"{number}") for number, (protocol, one) in enumerate(bodies.items())}
    launches = {OURS: ours}
    for server, candidates in _candidates(release, scratch).items():
        protocol = V2 if server == MLSERVER else V1
        tried = candidates if plan.choose else candidates[:1]
        launches[server] = _best(tried, bodies[protocol], files[protocol], found, scratch)
    launches[EMPTY_HANDLER] = servers.empty(scratch / "answers.json")
    with contextlib.ExitStack() as stack:
        up: dict[str, Running] = {}
        for server, launch in launches.items():
            if server == EMPTY_HANDLER:
                _write_answers(up[OURS], bodies, scratch / "answers.json")
            with step(f"starting {launch.name}"):
                up[server] = stack.enter_context(servers.running(launch, scratch / server))
        _throughput(up, bodies, files, plan, found)
        _equal_load(up, bodies, plan, found)
        found.memory = {server: [up[server].largest_mib()] for server in (OURS, MLSERVER, SELDON)}
    for number in range(1, plan.cold_starts + 1):
        with step(f"cold starts, round {number} of {plan.cold_starts}"):
            for server in (OURS, MLSERVER, SELDON):
                with servers.running(launches[server], scratch / server) as fresh:
                    found.cold_starts[server].append(fresh.ready_seconds)
    return found, launches


def _candidates(release: Path, scratch: Path) -> dict[str, list[Launch]]:
    """Settings that the documentation of the stock servers offers, the one that was best before first."""
    mlserver = [(0, 0), (2, 0), (0, 16), (2, 16)]
    return {
        MLSERVER: [
            servers.mlserver(release, scratch / f"mlserver-{workers}-{batch}", workers, batch)
            for workers, batch in mlserver
        ],
        SELDON: [servers.seldon(release, workers, threads) for workers, threads in ((2, 8), (2, 1), (4, 1), (1, 8))],
    }


def _best(candidates: Sequence[Launch], one: Requests, file: Path, found: Found, scratch: Path) -> Launch:
    """The candidate that ever gave the most answers per second, at 8 or 64 connections.

    All run at once and are loaded in turn, several times: noise only ever slows, and a slow second of the best
    candidate must not make us compare ourselves with a worse one.
    """
    if len(candidates) == 1:
        return candidates[0]
    with contextlib.ExitStack() as stack, step(f"trying {len(candidates)} settings of {candidates[0].program}"):
        up = [stack.enter_context(servers.running(it, scratch / f"try-{n}")) for n, it in enumerate(candidates)]
        for _ in range(_TRIES):
            for candidate in up:
                name = candidate.launch.name
                loads = [wrk.load(candidate.url, one.path, file, connections, 1) for connections in (8, 64)]
                found.tried[name] = max(found.tried.get(name, 0), *(load.per_second for load in loads))
    return max(candidates, key=lambda launch: found.tried[launch.name])


def _write_answers(ours: Running, bodies: Mapping[str, Requests], file: Path) -> None:
    """What ours answers to the first body of each protocol, for the empty handler to answer always."""
    answers = {}
    for one in bodies.values():
        request = urllib.request.Request(ours.url + one.path, one.bodies[0], {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            answers[one.path] = answer.read().decode()
    answers[ours.launch.ready] = ""
    file.write_text(json.dumps(answers))


def _throughput(
    up: Mapping[str, Running], bodies: Mapping[str, Requests], files: Mapping[str, Path], plan: Plan, found: Found
) -> None:
    for number in range(1, plan.rounds + 1):
        with step(f"as fast as it goes, round {number} of {plan.rounds}"):
            for connections in CONNECTIONS:
                for server, protocol in _CELLS:
                    before = up[server].processor_seconds()
                    load = wrk.load(up[server].url, bodies[protocol].path, files[protocol], connections, plan.seconds)
                    used = up[server].processor_seconds() - before
                    found.loads[server, protocol, connections].append(load)
                    found.processor[server, protocol, connections].append(1e6 * used / load.answers)


def _equal_load(up: Mapping[str, Running], bodies: Mapping[str, Requests], plan: Plan, found: Found) -> None:
    for protocol, peer in _PEERS.items():
        medians = [_median(found, peer, protocol, connections) for connections in CONNECTIONS]
        found.rates[protocol] = _EQUAL_LOAD_SHARE * max(medians)
    for number in range(1, plan.rounds + 1):
        with step(f"at equal load, round {number} of {plan.rounds}"):
            for protocol, peer in _PEERS.items():
                for server in (peer, OURS):
                    port, rate = up[server].launch.port, found.rates[protocol]
                    latencies = pacing.latencies(port, bodies[protocol], rate, plan.seconds)
                    found.equal_load[server, protocol].append(pacing.p99_ms(latencies))


def _median(found: Found, server: str, protocol: str, connections: int) -> float:
    return statistics.median(load.per_second for load in found.loads[server, protocol, connections])


def comparisons(found: Found) -> Iterator[Comparison]:
    """Ours against each peer, with the bounds of the issue."""
    for protocol, peer in _PEERS.items():
        title = f"{protocol} against {'MLServer' if peer == MLSERVER else 'its wrapper'}"
        for connections in CONNECTIONS:
            ours, theirs = (found.loads[server, protocol, connections] for server in (OURS, peer))
            at = _at(connections)
            yield Comparison(title, f"answers, {at}", "/s", _rates(ours), _rates(theirs), THROUGHPUT)
            yield Comparison(
                title, f"p50, {at}", "ms", [load.p50_ms for load in ours], [load.p50_ms for load in theirs]
            )
            yield Comparison(
                title, f"p99, {at}", "ms", [load.p99_ms for load in ours], [load.p99_ms for load in theirs]
            )
        ours_used, peers_used = (found.processor[server, protocol, CONNECTIONS[-1]] for server in (OURS, peer))
        yield Comparison(title, "CPU per answer", "µs", ours_used, peers_used)
        ours_p99, peers_p99 = (found.equal_load[server, protocol] for server in (OURS, peer))
        name = f"p99, both at {found.rates[protocol]:.0f}/s"
        yield Comparison(title, name, "ms", ours_p99, peers_p99, EQUAL_LOAD)
    for connections in CONNECTIONS:
        ours, theirs = (found.loads[server, V2, connections] for server in (OURS, EMPTY_HANDLER))
        at = _at(connections)
        yield Comparison("V2 against empty handler", f"answers, {at}", "/s", _rates(ours), _rates(theirs), EMPTY)
    for title, unit, values, bound in (
        ("memory of a worker", "MiB", found.memory, MEMORY_MIB),
        ("cold start to ready", "s", found.cold_starts, COLD_START_SECONDS),
    ):
        for server in (MLSERVER, SELDON):
            yield Comparison(title, f"against {server}", unit, values[OURS], values[server], bound)


def _at(connections: int) -> str:
    return "1 connection" if connections == 1 else f"{connections} connections"


def _rates(loads: Sequence[Load]) -> list[float]:
    return [load.per_second for load in loads]
