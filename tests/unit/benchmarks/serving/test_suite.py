from __future__ import annotations

from benchmarks.serving import suite
from benchmarks.serving.suite import CONNECTIONS, EMPTY_HANDLER, MLSERVER, OURS, SELDON, V1, V2, Found
from benchmarks.serving.wrk import Load


def found(ours: float, peers: float) -> Found:
    """Three rounds in which ours and each peer answered so many requests per second, with latencies to match."""
    found = Found(rates={V2: 70, V1: 70})
    for server, protocol in ((OURS, V2), (OURS, V1), (MLSERVER, V2), (SELDON, V1), (EMPTY_HANDLER, V2)):
        rate = ours if server == OURS else peers
        found.equal_load[server, protocol] = [100 / rate] * 3
        found.cold_starts[server] = found.memory[server] = [rate]
        for connections in CONNECTIONS:
            found.loads[server, protocol, connections] = [Load(100, rate, 1 / rate, 2 / rate, 1)] * 3
            found.processor[server, protocol, connections] = [1e6 / rate] * 3
    return found


def test_every_bound_of_the_issue_is_held_against_every_level() -> None:
    compared = list(suite.comparisons(found(ours=1000, peers=100)))
    by_bound = {}
    for comparison in compared:
        if comparison.bound:
            by_bound.setdefault(comparison.bound, []).append(comparison)
    assert {bound: len(held) for bound, held in by_bound.items()} == {
        suite.THROUGHPUT: 2 * len(CONNECTIONS),
        suite.EQUAL_LOAD: 2,
        suite.EMPTY: len(CONNECTIONS),
        suite.MEMORY_MIB: 2,
        suite.COLD_START_SECONDS: 2,
    }
    verdicts = {bound: {comparison.verdict for comparison in held} for bound, held in by_bound.items()}
    assert verdicts[suite.THROUGHPUT] == verdicts[suite.EQUAL_LOAD] == verdicts[suite.EMPTY] == {"ok"}
    assert verdicts[suite.MEMORY_MIB] == verdicts[suite.COLD_START_SECONDS] == {"missed"}


def test_a_server_that_is_only_nine_times_as_fast_misses() -> None:
    compared = list(suite.comparisons(found(ours=900, peers=100)))
    assert {comparison.verdict for comparison in compared if comparison.bound == suite.THROUGHPUT} == {"missed"}


def test_broken_connections_are_summed_by_server() -> None:
    levels = 3 * len(CONNECTIONS)
    assert found(1, 1).broken() == {OURS: 2 * levels, MLSERVER: levels, SELDON: levels, EMPTY_HANDLER: levels}
