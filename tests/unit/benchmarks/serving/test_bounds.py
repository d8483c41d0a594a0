from __future__ import annotations

from pathlib import Path

from benchmarks.serving import bounds
from benchmarks.serving.peers import MLSERVER, SELDON, V1, V2, Peer
from benchmarks.serving.requests import Requests
from benchmarks.serving.stock import Model
from benchmarks.serving.suite import CONNECTIONS, EMPTY_HANDLER, ONE_WORKER, OURS, Found
from benchmarks.serving.wrk import Load

ASKED = Requests("/any", [b"{}"])
MODEL = Model("a.Class", Path("release"), "model")
PEERS = [
    Peer(MLSERVER, "one", V2, MODEL, ASKED),
    Peer("mlserver-team", "two", V2, MODEL, ASKED),
    Peer(SELDON, "three", V1, MODEL, ASKED),
]


def found(ours: float, peers: float) -> Found:
    """Three rounds in which ours and each peer answered so many requests per second, with latencies to match."""
    found = Found(rates=dict.fromkeys([peer.name for peer in PEERS], 70))
    targets = [(peer.name, peer.protocol) for peer in PEERS]
    for server, protocol in ((OURS, V2), (OURS, V1), (ONE_WORKER, V2), (EMPTY_HANDLER, V2), *targets):
        rate = ours if server in (OURS, ONE_WORKER) else peers
        found.cold_starts[server] = found.memory[server] = [rate]
        for connections in CONNECTIONS:
            found.loads[server, protocol, connections] = [Load(100, rate, 1 / rate, 2 / rate, 1)] * 3
            found.processor[server, protocol, connections] = [1e6 / rate] * 3
    for peer in PEERS:
        for server, rate in ((OURS, ours), (peer.name, peers)):
            found.equal_load[peer.name, server] = [100 / rate] * 3
    return found


def test_every_bound_of_the_issue_is_held_against_every_peer_and_level() -> None:
    compared = list(bounds.comparisons(found(ours=1000, peers=100), PEERS))
    by_bound = {}
    for comparison in compared:
        if comparison.bound:
            by_bound.setdefault(comparison.bound, []).append(comparison)
    assert {bound: len(held) for bound, held in by_bound.items()} == {
        bounds.THROUGHPUT: len(PEERS) * len(CONNECTIONS),
        bounds.EQUAL_LOAD: len(PEERS),
        bounds.EMPTY: len(CONNECTIONS),
        bounds.MEMORY_MIB: 2,
        bounds.COLD_START_SECONDS: 2,
    }
    assert {comparison.benchmark for comparison in by_bound[bounds.THROUGHPUT]} == {"one", "two", "three"}
    verdicts = {bound: {comparison.verdict for comparison in held} for bound, held in by_bound.items()}
    assert verdicts[bounds.THROUGHPUT] == verdicts[bounds.EQUAL_LOAD] == verdicts[bounds.EMPTY] == {"ok"}
    assert verdicts[bounds.MEMORY_MIB] == verdicts[bounds.COLD_START_SECONDS] == {"missed"}


def test_a_server_that_is_only_nine_times_as_fast_misses() -> None:
    compared = list(bounds.comparisons(found(ours=900, peers=100), PEERS))
    assert {comparison.verdict for comparison in compared if comparison.bound == bounds.THROUGHPUT} == {"missed"}


def test_broken_connections_are_summed_by_server() -> None:
    levels = 3 * len(CONNECTIONS)
    summed = {OURS: 2 * levels, ONE_WORKER: levels, EMPTY_HANDLER: levels} | {peer.name: levels for peer in PEERS}
    assert found(1, 1).broken() == summed
