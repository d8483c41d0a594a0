"""What Prometheus answers, and what stands in for it when it does not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from slipway.adapters.prometheus import Prometheus, PrometheusFault
from slipway.errors import UsageError
from tests.fake_prometheus import FakePrometheus, Pod

QUERY = 'sum by (service, pod) (slipway_ready{namespace="production"})'


@pytest.fixture
def running() -> Iterator[FakePrometheus]:
    with FakePrometheus([Pod("a", "a-1", 1000.0)], clock=lambda: 1061.0) as found:
        yield found


def test_now_and_between(running: FakePrometheus) -> None:
    prometheus = Prometheus(running.url)
    found = prometheus.now(QUERY)
    assert [(dict(each.labels), each.points) for each in found] == [({"service": "a", "pod": "a-1"}, [(1061.0, 1.0)])]
    assert prometheus.between(QUERY, 990, 1020, 10)[0].points == [(1000.0, 1.0), (1010.0, 1.0), (1020.0, 1.0)]
    assert prometheus.between(QUERY, 900, 990, 10) == []


def test_what_it_refuses_in_its_own_words(running: FakePrometheus) -> None:
    with pytest.raises(PrometheusFault, match=r"cannot be asked: 400 parse error: nonsense\.") as caught:
        Prometheus(running.url).now("nonsense")
    assert caught.value.exit_code == 3
    running.away = True
    with pytest.raises(PrometheusFault, match="503 starting up"):
        Prometheus(running.url).now(QUERY)


@pytest.mark.parametrize("url", ["prometheus:9090", "ftp://prometheus", "http://", ""])
def test_no_url(url: str) -> None:
    with pytest.raises(UsageError, match="is no URL of a Prometheus"):
        Prometheus(url)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>", b"[]", b"{}", b'{"status": "success"}', b'{"status": "error", "error": "x"}',
        b'{"status": "success", "data": {"resultType": "scalar", "result": [1, "1"]}}',
        b'{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "NaN"]}]}}',
        b'{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "+Inf"]}]}}',
        b'{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}}]}}',
        b'{"status": "success", "data": {"resultType": "vector", "result": {"a": 1}}}',
    ],
)  # fmt: skip
def test_what_no_prometheus_should_answer(body: bytes) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        with pytest.raises(PrometheusFault, match="it answers what no Prometheus should"):
            Prometheus(f"http://127.0.0.1:{server.server_address[1]}").now(QUERY)


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(PrometheusFault, match="Connection refused"):
        Prometheus(f"http://127.0.0.1:{port}").now(QUERY)
