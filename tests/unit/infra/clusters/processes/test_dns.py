"""The question is a datagram as the RFC has it, and only the right answer to it counts."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from infra.clusters.processes import dns

LOOPBACK, ADDRESS = IPv4Address("127.0.0.1"), IPv4Address("10.200.128.1")


def test_a_query_in_bytes() -> None:
    assert dns.query("a.bc") == bytes.fromhex("5117 0100 0001 0000 0000 0000 01 61 02 6263 00 0001 0001")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (lambda query: query + ADDRESS.packed, True),
        (lambda query: query + LOOPBACK.packed, False),
        (lambda query: b"\0\0" + query[2:] + ADDRESS.packed, False),
        (lambda query: b"", False),
    ],
)
def test_only_the_address_in_an_answer_to_this_query_counts(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[bytes], bytes], expected: bool
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((str(LOOPBACK), 0))
        monkeypatch.setattr(dns, "PORT", server.getsockname()[1])

        def serve() -> None:
            query, peer = server.recvfrom(512)
            server.sendto(answer(query), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        assert dns.answers(LOOPBACK, "a.bc", ADDRESS) is expected
        thread.join()


def test_no_server_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trial:
        trial.bind((str(LOOPBACK), 0))
        monkeypatch.setattr(dns, "PORT", trial.getsockname()[1])
    assert not dns.answers(LOOPBACK, "a.bc", ADDRESS)
