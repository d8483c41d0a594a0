from __future__ import annotations

import time

import pytest

from benchmarks.serving import pacing
from benchmarks.serving.requests import Requests
from slipway.errors import EnvironmentFault
from tests.unit.benchmarks.serving.replier import replying

REQUESTS = Requests("/any", [b'{"row": 1}', b'{"row": 2}', b'{"row": 3}'])


@pytest.mark.parametrize("protocol", ["HTTP/1.1", "HTTP/1.0"])
def test_every_request_is_sent_once_and_timed(protocol: str) -> None:
    with replying(protocol=protocol) as server:
        found = pacing.latencies(server.port, REQUESTS, per_second=100, seconds=0.3)
        assert len(found) == 30
        assert sorted(server.bodies) == sorted([*REQUESTS.bodies] * 10)
        assert all(0 < latency < 10 for latency in found)


def test_waiting_for_a_connection_counts_as_latency() -> None:
    """All connections are busy for 200 ms, so the requests due meanwhile wait."""

    def slow(body: bytes) -> tuple[int, bytes]:
        time.sleep(0.2)
        return 200, b"{}"

    with replying(slow) as server:
        found = pacing.latencies(server.port, REQUESTS, per_second=400, seconds=0.1)
    assert len(found) == 40 > 2 * pacing.CONNECTIONS
    assert max(found) > 0.4
    assert pacing.p99_ms(found) > 400


def test_a_refusal_is_no_measurement() -> None:
    with replying(lambda body: (400, b"no")) as server, pytest.raises(EnvironmentFault, match=r"not 2xx.*no"):
        pacing.latencies(server.port, REQUESTS, per_second=50, seconds=0.1)


def test_requests_left_unanswered_are_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "_PATIENCE_SECONDS", 0.2)

    def stuck(body: bytes) -> tuple[int, bytes]:
        time.sleep(1 if body == REQUESTS.bodies[0] else 0)
        return 200, b"{}"

    with replying(stuck) as server, pytest.raises(EnvironmentFault, match="left 1 of 3 requests unanswered"):
        pacing.latencies(server.port, REQUESTS, per_second=100, seconds=0.03)
