"""What the issue asks for, held against what was found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.serving.comparisons import Bound, Comparison
from benchmarks.serving.peers import MLSERVER, SELDON, V2, Peer
from benchmarks.serving.suite import CONNECTIONS, EMPTY_HANDLER, ONE_WORKER, OURS, Found
from benchmarks.serving.wrk import Load

THROUGHPUT = Bound(10, least=True)
EQUAL_LOAD = Bound(0.2)
EMPTY = Bound(0.6, least=True)
MEMORY_MIB = Bound(250, ratio=False)
COLD_START_SECONDS = Bound(2, ratio=False)


def comparisons(found: Found, peers: Sequence[Peer]) -> Iterator[Comparison]:
    """Ours against each peer, the empty handler, and the limits of memory and start."""
    for peer in peers:
        yield from _against(peer, found)
    for connections in CONNECTIONS:
        ours, theirs = (found.loads[server, V2, connections] for server in (ONE_WORKER, EMPTY_HANDLER))
        name = f"answers, {_at(connections)}"
        yield Comparison("V2, one worker, against an empty handler", name, "/s", _rates(ours), _rates(theirs), EMPTY)
    for title, unit, values, bound in (
        ("memory of a worker", "MiB", found.memory, MEMORY_MIB),
        ("cold start to ready", "s", found.cold_starts, COLD_START_SECONDS),
    ):
        for server in (MLSERVER, SELDON):
            yield Comparison(title, f"against {server}", unit, values[OURS], values[server], bound)


def _against(peer: Peer, found: Found) -> Iterator[Comparison]:
    title, protocol = peer.title, peer.protocol
    for connections in CONNECTIONS:
        ours, theirs = (found.loads[server, protocol, connections] for server in (OURS, peer.name))
        at = _at(connections)
        yield Comparison(title, f"answers, {at}", "/s", _rates(ours), _rates(theirs), THROUGHPUT)
        yield Comparison(title, f"p50, {at}", "ms", [load.p50_ms for load in ours], [load.p50_ms for load in theirs])
        yield Comparison(title, f"p99, {at}", "ms", [load.p99_ms for load in ours], [load.p99_ms for load in theirs])
    ours_used, theirs_used = (found.processor[server, protocol, CONNECTIONS[-1]] for server in (OURS, peer.name))
    yield Comparison(title, "CPU per answer", "µs", ours_used, theirs_used)
    ours_p99, theirs_p99 = (found.equal_load[peer.name, server] for server in (OURS, peer.name))
    yield Comparison(title, f"p99, both at {found.rates[peer.name]:.0f}/s", "ms", ours_p99, theirs_p99, EQUAL_LOAD)


def _at(connections: int) -> str:
    return "1 connection" if connections == 1 else f"{connections} connections"


def _rates(loads: Sequence[Load]) -> list[float]:
    return [load.per_second for load in loads]
