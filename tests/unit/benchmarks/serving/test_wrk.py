from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.serving import wrk
from benchmarks.serving.requests import Requests
from slipway.errors import EnvironmentFault
from tests.unit.benchmarks.serving.replier import replying

REQUESTS = Requests("/any", [b'{"row": 1}', b'{"row": 2}', b'{"row": 3}'])


def test_all_bodies_are_sent_in_turn(tmp_path: Path) -> None:
    with replying() as server:
        found = wrk.load(f"http://127.0.0.1:{server.port}", "/any", REQUESTS.write(tmp_path / "bodies"), 1, 1)
        sent = [server.bodies.count(body) for body in REQUESTS.bodies]
        assert min(sent) > 0
        assert max(sent) - min(sent) <= 1
    assert 0 < found.answers <= sum(sent)
    assert found.per_second == pytest.approx(found.answers, rel=0.3)
    assert 0 < found.p50_ms <= found.p99_ms
    assert found.broken == 0


def test_one_refusal_spoils_the_measurement(tmp_path: Path) -> None:
    def refuse_the_third(body: bytes) -> tuple[int, bytes]:
        return (400 if body == REQUESTS.bodies[2] else 200), b"{}"

    bodies = REQUESTS.write(tmp_path / "bodies")
    with replying(refuse_the_third) as server, pytest.raises(EnvironmentFault, match="not with 2xx"):
        wrk.load(f"http://127.0.0.1:{server.port}", "/any", bodies, 1, 1)


def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="wrk"):
        wrk.load("http://127.0.0.1:1", "/any", REQUESTS.write(tmp_path / "bodies"), 1, 1)
