"""What is measured, and in which order: all servers in turn, again and again, so that noise hits all alike."""

from __future__ import annotations

import contextlib
import json
import statistics
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.serving import pacing, servers, tuning, wrk
from benchmarks.serving.peers import MLSERVER, SELDON, V1, V2, Peer, candidates
from benchmarks.serving.requests import Requests
from benchmarks.serving.servers import Launch, Running
from benchmarks.serving.wrk import Load
from slipway.progress import step

CONNECTIONS = (1, 8, 64)
# Of what the stock server can do at most: busy, but not so that any queue grows for ever.
_EQUAL_LOAD_SHARE = 0.7
# Ours has a worker per core, as the stock servers may have; the empty handler has one process.
OURS, ONE_WORKER, EMPTY_HANDLER = "slipway", "slipway, one worker", "empty"


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
    seconds: int = 2
    cold_starts: int = 3
    choose: bool = True


@dataclass(frozen=True)
class Target:
    """A server and what it is asked.

    Attributes:
        server: its name.
        protocol: V2 or V1.
        requests: what it is asked.
        file: the same, for wrk.
    """

    server: str
    protocol: str
    requests: Requests
    file: Path


@dataclass
class Found:
    """All measurements, in the order of rounds.

    Attributes:
        loads, processor: by (server, protocol, connections); processor in µs of an answer.
        tried: answers per second by peer and by its settings.
        rates: of equal load, in requests per second, by peer.
        equal_load: p99 in ms by (peer, server), where server is the peer or ours.
        memory: MiB by server.
        cold_starts: seconds by server.
    """

    loads: dict[tuple[str, str, int], list[Load]] = field(default_factory=lambda: defaultdict(list))
    processor: dict[tuple[str, str, int], list[float]] = field(default_factory=lambda: defaultdict(list))
    tried: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    rates: dict[str, float] = field(default_factory=dict)
    equal_load: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    memory: dict[str, list[float]] = field(default_factory=dict)
    cold_starts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def broken(self) -> dict[str, int]:
        """Connections that broke, by server; zero everywhere is what should be."""
        counted: dict[str, int] = defaultdict(int)
        for (server, _, _), loads in self.loads.items():
            counted[server] += sum(load.broken for load in loads)
        return counted


def measure(
    peers: Sequence[Peer], ours: Mapping[str, Launch], plan: Plan, scratch: Path
) -> tuple[Found, Mapping[str, Launch]]:
    """Measure ours (OURS and ONE_WORKER) against all peers and the empty handler.

    Raises:
        EnvironmentFault: when a server does not start, or anything is not answered with 2xx.
    """
    found = Found()
    asked = {
        peer.name: Target(peer.name, peer.protocol, peer.requests, peer.requests.write(scratch / f"{peer.name}.bodies"))
        for peer in peers
    }
    launches = {**ours} | {peer.name: _choose(peer, asked[peer.name], plan, found, scratch) for peer in peers}
    answers = scratch / "answers.json"
    launches[EMPTY_HANDLER] = servers.empty(answers)
    # Ours is asked what the peers with our class are asked: whole rows.
    raw = {protocol: asked[server] for protocol, server in ((V2, MLSERVER), (V1, SELDON))}
    targets = [
        *(replace(target, server=OURS) for target in raw.values()), *asked.values(),
        *(replace(raw[V2], server=server) for server in (ONE_WORKER, EMPTY_HANDLER)),
    ]  # fmt: skip
    with contextlib.ExitStack() as stack:
        up: dict[str, Running] = {}
        for server, launch in launches.items():
            if server == EMPTY_HANDLER:
                _write_answers(up[OURS], raw.values(), answers)
            with step(f"starting {server}: {launch.name}"):
                up[server] = stack.enter_context(servers.running(launch, scratch / server))
        _throughput(up, targets, plan, found)
        for peer in peers:
            _equal_load(up, peer, raw[peer.protocol], plan, found)
        found.memory = {server: [up[server].largest_mib()] for server in (OURS, MLSERVER, SELDON)}
    for number in range(1, plan.cold_starts + 1):
        with step(f"cold starts, round {number} of {plan.cold_starts}"):
            for server in (OURS, MLSERVER, SELDON):
                with servers.running(launches[server], scratch / server) as fresh:
                    found.cold_starts[server].append(fresh.ready_seconds)
    return found, launches


def _choose(peer: Peer, asked: Target, plan: Plan, found: Found, scratch: Path) -> Launch:
    offered = candidates(peer, scratch)
    if plan.choose:
        with step(f"trying {len(offered)} settings of {peer.name}"):
            found.tried[peer.name] = tuning.try_out(offered, peer.requests.path, asked.file, scratch)
    return tuning.best(offered, found.tried.get(peer.name, {}))


def _write_answers(ours: Running, asked: Iterable[Target], file: Path) -> None:
    """What ours answers to the first body of each protocol, for the empty handler to answer always."""
    answers = {}
    for one in asked:
        path = one.requests.path
        request = urllib.request.Request(ours.url + path, one.requests.bodies[0], {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            answers[path] = answer.read().decode()
    answers[ours.launch.ready] = ""
    file.write_text(json.dumps(answers))


def _throughput(up: Mapping[str, Running], targets: Sequence[Target], plan: Plan, found: Found) -> None:
    for number in range(1, plan.rounds + 1):
        with step(f"as fast as it goes, round {number} of {plan.rounds}"):
            for connections in CONNECTIONS:
                for one in targets:
                    server = up[one.server]
                    before = server.processor_seconds()
                    load = wrk.load(server.url, one.requests.path, one.file, connections, plan.seconds)
                    used = server.processor_seconds() - before
                    found.loads[one.server, one.protocol, connections].append(load)
                    found.processor[one.server, one.protocol, connections].append(1e6 * used / load.answers)


def _equal_load(up: Mapping[str, Running], peer: Peer, raw: Target, plan: Plan, found: Found) -> None:
    """Peer and ours in turn, at the same rate; ``raw`` is what ours is asked."""
    rate = _EQUAL_LOAD_SHARE * max(_median(found, peer, connections) for connections in CONNECTIONS)
    found.rates[peer.name] = rate
    asked = {peer.name: peer.requests, OURS: raw.requests}
    for number in range(1, plan.rounds + 1):
        with step(f"{peer.name} and ours at {rate:.0f}/s, round {number} of {plan.rounds}"):
            for server, one in asked.items():
                latencies = pacing.latencies(up[server].launch.port, one, rate, plan.seconds)
                found.equal_load.setdefault((peer.name, server), []).append(pacing.p99_ms(latencies))


def _median(found: Found, peer: Peer, connections: int) -> float:
    return statistics.median(load.per_second for load in found.loads[peer.name, peer.protocol, connections])
