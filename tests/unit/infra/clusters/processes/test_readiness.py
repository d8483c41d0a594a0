"""A gate opens for a server that answers, and stays shut, without an error, for one that does not."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.clusters.processes import pki, readiness
from infra.clusters.processes.addressing import Ranges


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/good" else 500)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield one
        one.shutdown()


def test_http_is_ready_when_it_answers_200(server: http.server.ThreadingHTTPServer) -> None:
    address = f"http://127.0.0.1:{server.server_port}"
    assert readiness.http_ok(f"{address}/good")()
    assert not readiness.http_ok(f"{address}/bad")()


def test_nobody_there_is_not_ready(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trial:
        port = trial.getsockname()[1]
    assert not readiness.http_ok(f"http://127.0.0.1:{port}/")()
    assert not readiness.unix_socket(tmp_path / "socket")()
    assert not readiness.https_ok("127.0.0.1", port, "/", tmp_path)()


def test_a_unix_socket_is_ready_when_somebody_listens(tmp_path: Path) -> None:
    gate = readiness.unix_socket(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        assert not gate()
        listener.listen()
        assert gate()
    assert not gate()


def test_https_is_ready_when_the_right_server_knows_us(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    pki.ensure(tmp_path, "node", Ranges.numbered(200))
    folder = tmp_path / "pki"
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.crt"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(folder / "apiserver.crt", folder / "apiserver.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    assert readiness.https_ok("127.0.0.1", server.server_port, "/good", folder)()
    assert not readiness.https_ok("127.0.0.1", server.server_port, "/bad", folder)()


def test_always_is_always() -> None:
    assert readiness.always()
