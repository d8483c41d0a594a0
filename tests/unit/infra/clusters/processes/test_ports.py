"""The forwarder carries bytes both ways, as long as either side talks, and frees nothing that is not there."""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from infra.clusters.processes import ports


class Upstream:
    """A server that answers with what it was sent, after the sender has said that this was all."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """End the waiting for a connection too, which would keep the port."""
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            received = bytearray()
            while data := connection.recv(65536):
                received += data
            connection.sendall(received)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.close()


@pytest.fixture
def forwarded(upstream: Upstream) -> Iterator[int]:
    """A loopback port that leads to the server."""
    outer = _free_port()
    process = multiprocessing.get_context("spawn").Process(
        target=ports.forward, args=({outer: upstream.port}, "127.0.0.1")
    )
    process.start()
    _wait_for(outer)
    yield outer
    process.terminate()
    process.join()


def test_much_is_carried_both_ways(forwarded: int) -> None:
    sent = os.urandom(3 * 1024 * 1024)
    assert _ask(forwarded, sent) == sent


def test_many_are_served_at_once(forwarded: int) -> None:
    waiting = [socket.create_connection(("127.0.0.1", forwarded)) for _ in range(50)]
    assert _ask(forwarded, b"not behind those that say nothing") == b"not behind those that say nothing"
    for connection in waiting:
        connection.close()


def test_when_nobody_serves_the_connection_ends_at_once(forwarded: int, upstream: Upstream) -> None:
    upstream.close()
    received = b""
    with socket.create_connection(("127.0.0.1", forwarded), timeout=10) as client, suppress(ConnectionResetError):
        received = client.recv(1)
    assert received == b""


def test_taken_ports_are_those_that_somebody_listens_on(upstream: Upstream) -> None:
    free = _free_port()
    assert ports.taken({upstream.port: 30080, free: 30081}) == [upstream.port]


def test_a_port_that_was_just_used_is_not_taken(upstream: Upstream) -> None:
    """Its last connection waits in the kernel for a while; a server may listen there all the same."""
    with closing(socket.create_connection(("127.0.0.1", upstream.port))) as client:
        client.shutdown(socket.SHUT_WR)
        client.recv(1)
    upstream.close()
    assert ports.taken({upstream.port: 30080}) == []


def _ask(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        sender = threading.Thread(target=lambda: (client.sendall(sent), client.shutdown(socket.SHUT_WR)))
        sender.start()
        sender.join()
        received = bytearray()
        while data := client.recv(65536):
            received += data
    return bytes(received)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as trial:
        return int(trial.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
