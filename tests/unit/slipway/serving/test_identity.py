from __future__ import annotations

import json
import socket
import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.serving import identity
from slipway.serving.identity import Identities, checked, header_value
from slipway.serving.replies import Refused
from tests.conftest import MODEL
from tests.live_server import LiveServer, tensors


def test_an_id_has_the_layout_of_a_uuid_of_version_7() -> None:
    """RFC 9562, section 5.7: 48 bits of milliseconds, version 7, variant 10."""
    before = time.time_ns() // 1_000_000
    made = uuid.UUID(Identities().new())
    after = time.time_ns() // 1_000_000
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= made.int >> 80 <= after
    assert made.int >> 76 & 0xF == 7
    assert made.int >> 62 & 0b11 == 0b10


def test_the_example_of_the_rfc_is_put_together_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 9562, appendix A.6: 017F22E2-79B0-7CC3-98C4-DC0C0C07398F; our tail's first bit is always 0."""
    monkeypatch.setattr(identity.time, "time_ns", lambda: 0x017F22E279B0 * 1_000_000)
    chance = 0x18C4 << 60 | 0xCC3 << 48 | 0x5C0C0C07398F
    monkeypatch.setattr(identity.os, "urandom", lambda count: chance.to_bytes(count, "big"))
    assert Identities().new() == "017f22e2-79b0-7cc3-98c4-5c0c0c07398f"


def test_ids_rise_and_never_repeat() -> None:
    identities = Identities()
    made = [identities.new() for _ in range(50_000)]
    assert made == sorted(set(made))
    assert all(text == str(uuid.UUID(text)) for text in made[::1000])


def test_ids_rise_over_a_clock_that_is_set_back_and_a_tail_that_overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    identities = Identities()
    first = identities.new()
    monkeypatch.setattr(identity.time, "time_ns", lambda: 1)
    second = identities.new()
    identities._tail = (1 << 48) - 1
    third = identities.new()
    assert first < second < third
    assert int(third[:8] + third[9:13], 16) == int(second[:8] + second[9:13], 16) + 1


def test_two_processes_do_not_make_the_same_ids() -> None:
    one, other = Identities(), Identities()
    assert not {one.new() for _ in range(1000)} & {other.new() for _ in range(1000)}


def test_the_header_names_the_request_or_a_new_id_does() -> None:
    identities = Identities()
    assert identities.of({"x-request-id": "abc"}) == "abc"
    assert uuid.UUID(identities.of({})).version == uuid.UUID(identities.of({"x-request-id": ""})).version == 7
    with pytest.raises(Refused, match="x-request-id has 257 characters"):
        identities.of({"x-request-id": "x" * 257})


@pytest.mark.parametrize("given", ["a\tb", "a\x7fb", "\xfc", "a\r\nx: y", "a\u2028"])
def test_a_header_that_cannot_be_echoed_is_refused(given: str) -> None:
    with pytest.raises(Refused, match="more than printable ASCII"):
        Identities().of({"x-request-id": given})


@pytest.mark.parametrize("given", [b"a\tb", "ü".encode(), b"\xff\xfe"])
@pytest.mark.parametrize("path", ["/api/v1.0/predictions", f"/v2/models/{MODEL}/infer"])
def test_over_the_wire_too_and_nothing_of_it_comes_back(server: LiveServer, path: str, given: bytes) -> None:
    row = json.loads((server.release / "example.json").read_text())
    message = {"jsonData": row} if path.startswith("/api") else {"inputs": tensors(server.fields, [row])}
    body = json.dumps(message).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n".encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as wire:
        wire.sendall(head + b"x-request-id: %b\r\nContent-Length: %d\r\n\r\n" % (given, len(body)) + body)
        answer = b"".join(iter(lambda: wire.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"more than printable ASCII" in answer
    assert given not in answer


def test_an_id_is_at_most_256_characters_long() -> None:
    assert checked("x" * 256, "id") == "x" * 256
    with pytest.raises(Refused, match="at most 256"):
        checked("x" * 257, "id")


@given(st.text(st.characters(), max_size=40))
def test_any_id_is_fit_for_a_header(text: str) -> None:
    value = header_value(text)
    assert value.isascii()
    assert value.isprintable()
    assert header_value("a b-1/ü\r\nx: y") == "a%20b-1/%C3%BC%0D%0Ax%3A%20y"
