from __future__ import annotations

import json
import sys
import urllib.request
from pathlib import Path

import pytest

from benchmarks.serving import bounds, pacing, servers, suite, wrk
from benchmarks.serving.peers import MLSERVER, SELDON, V1, V2, Peer
from benchmarks.serving.requests import Requests
from benchmarks.serving.servers import Launch
from benchmarks.serving.stock import Model
from benchmarks.serving.suite import CONNECTIONS, EMPTY_HANDLER, ONE_WORKER, OURS, Plan
from benchmarks.serving.wrk import Load

ANSWERS = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        wrong = body and json.loads(body)["for"] not in sys.argv[2]
        self.send_response(500 if wrong else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    do_GET = do_POST = answer
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
MODEL = Model("a.Class", Path("release"), "model")


def launch(name: str, understood: str) -> Launch:
    """A server that answers 200 to a body that is for one of the comma-separated names, and 500 to any other."""
    port = servers.free_port()
    return Launch(name, (sys.executable, "-c", ANSWERS, str(port), understood), port)


def peer(name: str, protocol: str) -> Peer:
    return Peer(name, name, protocol, MODEL, Requests(f"/{protocol[-2:]}", [json.dumps({"for": name}).encode()]))


def ask(url: str, body: bytes) -> None:
    with urllib.request.urlopen(urllib.request.Request(url, body)) as answer:
        assert answer.status == 200


def load(url: str, path: str, bodies: Path, connections: int, seconds: float) -> Load:
    """In place of a load: one request."""
    for body in bodies.read_bytes().splitlines():
        ask(url + path, body)
    return Load(1, connections, 1, 1, 0)


def latencies(port: int, requests: Requests, per_second: float, seconds: float) -> list[float]:
    """In place of a load: one request."""
    ask(f"http://127.0.0.1:{port}{requests.path}", requests.bodies[0])
    return [per_second]


def test_each_server_is_asked_its_own_requests_and_all_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peers = [peer(MLSERVER, V2), peer("mlserver-features", V2), peer(SELDON, V1)]
    monkeypatch.setattr(
        suite, "candidates", lambda one, scratch: [launch(f"{one.name}, n={n}", one.name) for n in (1, 2)]
    )
    monkeypatch.setattr(wrk, "load", load)
    monkeypatch.setattr(pacing, "latencies", latencies)
    ours = {OURS: launch("ours", f"{MLSERVER},{SELDON}"), ONE_WORKER: launch("one", MLSERVER)}
    found, launches = suite.measure(peers, ours, Plan(rounds=1, seconds=1, cold_starts=1), tmp_path)
    assert set(launches) == {OURS, ONE_WORKER, EMPTY_HANDLER, MLSERVER, "mlserver-features", SELDON}
    assert {key: len(values) for key, values in found.loads.items()} == {
        (server, protocol, connections): 1
        for connections in CONNECTIONS
        for server, protocol in (
            (OURS, V2),
            (OURS, V1),
            (ONE_WORKER, V2),
            (EMPTY_HANDLER, V2),
            *((one.name, one.protocol) for one in peers),
        )
    }
    for one in peers:
        tried = found.tried[one.name]
        assert launches[one.name].name == max(tried, key=lambda name: tried[name])
        assert len(found.equal_load[one.name, OURS]) == len(found.equal_load[one.name, one.name]) == 1
    assert set(found.memory) == set(found.cold_starts) == {OURS, MLSERVER, SELDON}
    assert len(list(bounds.comparisons(found, peers))) == 3 * 11 + 3 + 4
