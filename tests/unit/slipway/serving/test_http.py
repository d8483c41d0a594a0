from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
import logging
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from slipway.serving import http
from slipway.serving.app import App
from slipway.serving.replies import Reply
from tests.raw_server import RawServer, chunked, request
from tests.unit.slipway.serving.conftest import LIMITS

LIVE = "/v2/health/live"


@pytest.fixture
def good(raw_app: App) -> bytes:
    """A body that is answered with 200."""
    return json.dumps({"jsonData": raw_app._v2._scorer.example}).encode()


def puid(body: bytes) -> Any:
    return json.loads(body)["meta"]["puid"]


def test_a_connection_is_kept(raw: RawServer, good: bytes) -> None:
    with raw.connect() as caller:
        for number in range(3):
            caller.send(request(body=good, x_request_id=f"r-{number}"))
            answer = caller.answer()
            assert (answer.status, puid(answer.body)) == (200, f"r-{number}")
            assert answer.headers["x-request-id"] == f"r-{number}"
            assert "connection" not in answer.headers


def test_pipelined_requests_are_answered_in_order(raw: RawServer, good: bytes) -> None:
    answers = raw.ask(*(request(body=good, x_request_id=f"r-{number}") for number in range(100)))
    assert [answer.headers["x-request-id"] for answer in answers] == [f"r-{number}" for number in range(100)]
    assert {answer.status for answer in answers} == {200}


@pytest.mark.parametrize("long", [0, 50_000])
def test_pipelined_requests_of_any_length_get_what_they_would_alone(raw: RawServer, good: bytes, long: int) -> None:
    requests = [
        request(body=good + b" " * long), request("GET", LIVE), request(body=good, x_request_id="x" * 300),
        request("GET", "/nowhere"), request(body=b"{"), request("HEAD", "/openapi.json"),
        request(Transfer_Encoding="chunked") + chunked(good, b" " * (long + 1)), request("GET", "/metrics"),
    ]  # fmt: skip
    alone = [200, 200, 400, 404, 400, 200, 200, 200]
    with raw.connect() as caller:
        caller.send(b"".join(requests * 20))
        found = [caller.answer(bodiless=number % 8 == 5).status for number in range(len(requests) * 20)]
    assert found == alone * 20


@pytest.mark.parametrize("form", ["length", "chunks"])
def test_a_request_may_be_split_anywhere(raw: RawServer, good: bytes, form: str) -> None:
    whole = request(body=good, x_request_id="r")
    if form == "chunks":
        whole = request(Transfer_Encoding="chunked", x_request_id="r") + chunked(
            good[:50], good[50:], trailers=b"A: b\r\n"
        )
    with raw.connect() as caller:
        for at in range(1, len(whole)):
            caller.send(whole[:at])
            if at % 20 == 0:
                time.sleep(0.001)
            caller.send(whole[at:])
            assert puid(caller.answer().body) == "r"
        for at in range(len(whole)):
            caller.send(whole[at : at + 1])
        assert puid(caller.answer().body) == "r"


def test_chunks_their_extensions_and_trailers_are_read(raw: RawServer, good: bytes) -> None:
    extended = b'5;a=b;c="d"\r\n' + good[:5] + b"\r\n" + chunked(good[5:])
    with raw.connect() as caller:
        for body in (chunked(good), chunked(*(good[at : at + 1] for at in range(len(good)))), extended):
            caller.send(request(Transfer_Encoding="Chunked") + body)
            assert caller.answer().status == 200


def test_trailers_are_no_headers_of_this_request_or_the_next(raw: RawServer, good: bytes) -> None:
    trailers = b"X-Request-Id: evil\r\nContent-Type: text/plain\r\nHost: y\r\nHost: z\r\nA: b\r\nA: c\r\n"
    first, second = raw.ask(
        request(Transfer_Encoding="chunked", x_request_id="r-1") + chunked(good, trailers=trailers), request(body=good)
    )
    assert (first.status, first.headers["x-request-id"]) == (200, "r-1")
    assert (second.status, second.headers["x-request-id"] != "evil") == (200, True)


@pytest.mark.parametrize(
    ("version", "sent", "told"),
    [
        ("1.1", None, None),
        ("1.1", "close", "close"),
        ("1.1", "Close", "close"),
        ("1.1", "keep-alive, close", "close"),
        ("1.1", "keep-alive", None),
        ("1.0", None, "close"),
        ("1.0", "close", "close"),
        ("1.0", "Keep-Alive", "keep-alive"),
    ],
)
def test_a_connection_is_kept_or_closed_as_the_client_says(
    raw: RawServer, good: bytes, version: str, sent: str | None, told: str | None
) -> None:
    headers = {"Connection": sent} if sent else {}
    with raw.connect() as caller:
        caller.send(request(body=good, version=version, **headers))
        answer = caller.answer()
        assert (answer.status, answer.headers.get("connection")) == (200, told)
        if told == "close":
            assert caller.closed()
        else:
            caller.send(request(body=good, version=version, **headers))
            assert caller.answer().status == 200


def test_what_follows_a_request_to_close_is_not_answered(raw: RawServer, good: bytes) -> None:
    for rest in (b"\r\n", b"garbage", request(body=good), request(body=good) * 400):
        with raw.connect() as caller:
            caller.send(request(body=good, Connection="close") + rest)
            assert caller.answer().status == 200
            assert caller.closed()
    assert raw.count(200) == 4
    assert raw.count(400) == 0


def test_http_1_0_needs_no_host(raw: RawServer) -> None:
    with raw.connect() as caller:
        caller.send(b"GET /v2/health/live HTTP/1.0\r\n\r\n")
        assert caller.answer().status == 200
        assert caller.closed()


@pytest.mark.parametrize("path", ["/metadata", LIVE, "/openapi.json", "/nowhere"])
def test_head_is_get_without_a_body(raw: RawServer, path: str) -> None:
    with raw.connect() as caller:
        caller.send(request("HEAD", path) + request("GET", path))
        head, get = caller.answer(bodiless=True), caller.answer()
        caller.send(request("GET", LIVE))
        assert caller.answer().status == 200
    assert (head.status, head.headers["content-length"]) == (get.status, str(len(get.body)))


@pytest.mark.parametrize(
    "target",
    ["http://slipway.example:80/v2/health/live?a=b", "/v2/health/live?x=1", "/v2/health/%6cive", "//v2/health/live"],
)
def test_targets_in_every_form(raw: RawServer, target: str) -> None:
    (answer,) = raw.ask(request("GET", target))
    assert answer.status == (404 if target.startswith("//") else 200)
    (answer,) = raw.ask(request("OPTIONS", "*"))
    assert answer.status in (404, 405)


def test_a_hundred_continues(raw: RawServer, good: bytes) -> None:
    with raw.connect() as caller:
        for framing in ({"Content_Length": str(len(good))}, {"Transfer_Encoding": "chunked"}):
            caller.send(request(Expect="100-Continue", **framing))
            assert caller.answer().status == 100
            caller.send(chunked(good) if "Transfer_Encoding" in framing else good)
            assert caller.answer().status == 200


def test_nothing_continues_without_a_body_or_over_http_1_0(raw: RawServer, good: bytes) -> None:
    with raw.connect() as caller:
        caller.send(request("GET", LIVE, Expect="100-continue"))
        assert caller.answer().status == 200
        caller.send(request(body=good, version="1.0", Expect="100-continue"))
        assert caller.answer().status == 200


def test_a_body_that_would_be_too_long_is_not_asked_for(raw: RawServer) -> None:
    with raw.connect() as caller:
        caller.send(request(Expect="100-continue", Content_Length="100001"))
        answer = caller.answer()
        assert (answer.status, answer.headers["connection"]) == (413, "close")
        assert caller.closed()


HEAD = b"POST /predict HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
MALFORMED = {
    "length and coding": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    "a list of lengths": HEAD + b"Content-Length: 2, 2\r\n\r\n{}",
    "a signed length": HEAD + b"Content-Length: +2\r\n\r\n{}",
    "a negative length": HEAD + b"Content-Length: -2\r\n\r\n{}",
    "a hexadecimal length": HEAD + b"Content-Length: 0x2\r\n\r\n{}",
    "an empty length": HEAD + b"Content-Length:\r\n\r\n{}",
    "a length beyond 64 bits": HEAD + b"Content-Length: 18446744073709551618\r\n\r\n{}",
    "an unknown coding": HEAD + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "a coding before chunked": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunked(b"{}"),
    "a coding after chunked": HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + chunked(b"{}"),
    "chunked twice": HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"{}"),
    "a coding that ends like chunked": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n" + chunked(b"{}"),
    "a coding behind a vertical tab": HEAD + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + chunked(b"{}"),
    "chunks over HTTP/1.0": b"POST /predict HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"{}"),
    "obs-fold": HEAD + b"A: b\r\n c\r\n\r\n",
    "a space before the first header": b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    "a space before the colon": HEAD + b"Content-Length : 2\r\n\r\n{}",
    "bare LF everywhere": b"GET / HTTP/1.1\nHost: x\n\n",
    "bare LF after a header": HEAD + b"A: b\nC: d\r\n\r\n",
    "bare LF at the end": b"GET / HTTP/1.1\r\nHost: x\r\n\n",
    "bare CR in a value": HEAD + b"A: b\rC: d\r\n\r\n",
    "NUL in a value": HEAD + b"A: b\0c\r\n\r\n",
    "NUL in a name": HEAD + b"A\0: b\r\n\r\n",
    "NUL in the target": b"GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a control in a value": HEAD + b"A: \x7f\r\n\r\n",
    "a header without a colon": HEAD + b"A\r\n\r\n",
    "a header without a name": HEAD + b": b\r\n\r\n",
    "a byte beyond ASCII in the target": b"GET /\xc3\xa4 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a chunk size with 0x": CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk size with a space": CHUNKED + b"2 \r\n{}\r\n0\r\n\r\n",
    "a negative chunk size": CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
    "no chunk size": CHUNKED + b"\r\n{}\r\n0\r\n\r\n",
    "a chunk size beyond 64 bits": CHUNKED + b"10000000000000002\r\n{}\r\n0\r\n\r\n",
    "a chunk size before a bare LF": CHUNKED + b"2\n{}\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"1\r\n{}\r\n0\r\n\r\n",
    "no host": b"GET /v2/health/live HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /v2/health/live HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n",
    "a method in lower case": b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown method": b"FETCH / HTTP/1.1\r\nHost: x\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: x\r\n\r\n",
    "HTTP/2's preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0",
    "TLS": bytes.fromhex("1603010200010001fc0303") + bytes(range(256)) * 2,
    "garbage": b"\xff\xfe\xfd" * 50,
    "NULs": bytes(100),
    "words": b"hello there\r\n\r\n",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("before", [False, True], ids=["first", "after another"])
def test_what_is_not_http_is_a_400_and_the_end(raw: RawServer, data: bytes, before: bool) -> None:
    with raw.connect() as caller:
        if before:
            caller.send(request("HEAD", LIVE, x_request_id="other") + data + request("GET", LIVE))
            assert caller.answer(bodiless=True).status == 200
        else:
            caller.send(data + request("GET", LIVE))
        answer = caller.answer()
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert answer.headers["x-request-id"] != "other"
        assert json.loads(answer.body)
        assert caller.closed()
    assert raw.count(400) == 1


def test_zeros_before_a_length_and_space_after_it_are_allowed(raw: RawServer, good: bytes) -> None:
    for length in ("0" * 6000 + str(len(good)), f"{len(good)}" + " \t " * 20):
        assert raw.ask(request(body=good, Content_Length=length))[0].status == 200


UPGRADES = {
    "h2c": {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2_Settings": "AAMAAABk"},
    "websocket": {"Connection": "keep-alive, Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Key": "x"},
    "without a connection": {"Upgrade": "h2c"},
}


@pytest.mark.parametrize("headers", UPGRADES.values(), ids=UPGRADES)
def test_a_wish_for_another_protocol_is_not_heard(raw: RawServer, good: bytes, headers: dict[str, str]) -> None:
    answers = raw.ask(
        request("GET", LIVE, **headers),
        request(body=good, x_request_id="r-1", **headers),
        request(Transfer_Encoding="chunked", x_request_id="r-2", **headers) + chunked(good),
        request(body=good, x_request_id="r-3"),
    )
    assert [answer.status for answer in answers] == [200] * 4
    assert [answer.headers["x-request-id"] for answer in answers[1:]] == ["r-1", "r-2", "r-3"]


def test_a_wish_for_another_protocol_keeps_every_other_rule(raw: RawServer, good: bytes) -> None:
    wish = UPGRADES["h2c"]
    with raw.connect() as caller:
        caller.send(request(Expect="100-continue", Content_Length=str(len(good)), **wish))
        assert caller.answer().status == 100
        caller.send(good)
        assert caller.answer().status == 200
        caller.send(request(body=good, **wish | {"Connection": "Upgrade, close"}))
        assert caller.answer().headers["connection"] == "close"
        assert caller.closed()
    with raw.connect() as caller:
        caller.send(request(Content_Length="50", **wish))
        assert caller.answer().status == 408
    with raw.connect() as caller:
        caller.send(request(Content_Length="50", **wish) + b"x")
    raw.wait(lambda: raw.count(499) == 1)


def test_connect_is_refused_and_the_end(raw: RawServer) -> None:
    with raw.connect() as caller:
        caller.send(b"CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n" + b"\x16\x03\x01")
        answer = caller.answer()
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")
        assert caller.closed()


ENDLESS = {
    "target": b"GET /" + b"x" * 90_000,
    "value": HEAD + b"A: " + b"x" * 90_000,
    "name": HEAD + b"x" * 90_000,
    "headers": HEAD + b"a: b\r\n" * 18_000,
    "other headers": HEAD + b"".join(b"a%d: b\r\n" % number for number in range(12_000)),
    "chunk extension": CHUNKED + b"1;" + b"x" * 90_000,
    "trailer": CHUNKED + b"0\r\na: " + b"x" * 90_000,
    "trailers": CHUNKED + b"0\r\n" + b"a: b\r\n" * 18_000,
}


@pytest.mark.parametrize("data", ENDLESS.values(), ids=ENDLESS)
@pytest.mark.parametrize("size", [1 << 20, 1000], ids=["at once", "in segments"])
@pytest.mark.parametrize("end", [b"", b"\r\n\r\n"], ids=["without end", "ended"])
def test_a_head_or_a_trailer_without_end_is_a_431(raw: RawServer, data: bytes, size: int, end: bytes) -> None:
    with raw.connect() as caller:
        for at in range(0, len(data), size):
            caller.send(data[at : at + size])
        caller.send(end)
        answer = caller.answer()
        assert (answer.status, answer.headers["connection"]) == (431, "close")
        assert caller.closed()


@pytest.mark.parametrize("size", [1 << 20, 1000])
def test_a_head_of_sixty_kilobytes_is_read_whatever_comes_before_it(raw: RawServer, good: bytes, size: int) -> None:
    data = request(body=good + b" " * 60_000) + request(body=good, A="x" * 60_000)
    with raw.connect() as caller:
        for at in range(0, len(data), size):
            caller.send(data[at : at + size])
        assert [caller.answer().status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("form", ["length", "chunks"])
def test_a_body_that_is_too_long_is_refused_when_it_has_arrived(raw: RawServer, good: bytes, form: str) -> None:
    body = b" " * 300_000
    too_long = request(body=body) if form == "length" else request(Transfer_Encoding="chunked") + chunked(body)
    with raw.connect() as caller:
        caller.send(too_long[:-9])
        time.sleep(0.05)
        caller.send(too_long[-9:] + request(body=good))
        refusal = caller.answer()
        assert (refusal.status, "connection" in refusal.headers) == (413, False)
        assert caller.answer().status == 200


def test_a_body_that_is_much_too_long_is_refused_at_once(raw: RawServer) -> None:
    with raw.connect() as caller:
        caller.send(request(Content_Length=str(http.DISCARDED + 1)))
        assert caller.answer().status == 413
        assert caller.closed()
    with raw.connect() as caller:
        caller.send(request(Transfer_Encoding="chunked"))
        for _ in range(9):
            caller.send(b"%x\r\n%b\r\n" % (http.DISCARDED // 8, b" " * (http.DISCARDED // 8)))
        assert caller.answer().status == 413
        assert caller.closed()


def test_a_client_that_sends_on_gets_its_answer(raw: RawServer) -> None:
    """Closing with bytes unread would reset the connection, and the answer would be lost."""
    for data in (request(Content_Length=str(10**9)), b"garbage\r\n\r\n", request("GET", LIVE, Connection="close")):
        with raw.connect() as caller:
            caller.send(data)
            for _ in range(10):
                caller.send(b"x" * 20_000)
                time.sleep(0.01)
            assert caller.answer().status in (413, 400, 200)


def test_a_client_that_sends_on_for_ever_is_cut_off(raw: RawServer) -> None:
    with raw.connect() as caller:
        caller.send(b"garbage\r\n\r\n")
        assert caller.flood(b"x" * 10_000, 10_000) < 10_000
    raw.wait(raw.settled)


def test_a_client_that_does_not_leave_is_cut_off(raw: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "LINGER_SECONDS", 0.2)
    with raw.connect() as caller:
        caller.send(request("GET", LIVE, Connection="close"))
        assert caller.answer().status == 200
        raw.wait(raw.settled)


@pytest.mark.parametrize("data", [b"P", HEAD + b"A: b\r\n", request(Content_Length="50") + b"{", CHUNKED + b"1\r\n"])
def test_a_request_that_does_not_arrive_is_a_408_and_the_end(raw: RawServer, good: bytes, data: bytes) -> None:
    with raw.connect() as slow:
        slow.send(request(body=good) + data)
        assert slow.answer().status == 200
        answer = slow.answer()
        assert (answer.status, answer.headers["connection"]) == (408, "close")
        assert slow.closed()


def test_a_byte_now_and_then_does_not_save_a_request(
    raw: RawServer, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LINGER_SECONDS", 0.2)
    with raw.connect() as slow:
        slow.send(HEAD)
        assert slow.flood(b"a", 1000, pause=0.01) < 1000
        assert raw.ask(request(body=good))[0].status == 200
    assert raw.count(408) == 1


def test_a_client_that_does_not_read_is_not_read_and_then_cut_off(raw: RawServer, good: bytes) -> None:
    size = len(raw.ask(request("GET", "/openapi.json"))[0].body)
    with raw.connect(receive_buffer=4096) as deaf:
        deaf.socket.settimeout(0.2)
        assert deaf.flood(request("GET", "/openapi.json") * 1000, 1000) < 1000
        (connection,) = raw.listener._connections
        assert connection._transport.get_write_buffer_size() < http.PIECE // 40 * size
        assert raw.ask(request(body=good))[0].status == 200
        raw.wait(raw.settled)
    assert raw.count(200) < 2 + 1000


def test_a_client_that_reads_late_gets_every_answer(raw_app: App) -> None:
    count = 500
    patient = RawServer(raw_app, dataclasses.replace(LIMITS, body_seconds=20))
    with patient as raw, raw.connect(receive_buffer=4096) as late:
        late.send(request("GET", "/openapi.json") * count)
        late.end()
        raw.wait(lambda: raw.count(200) > 20)
        time.sleep(0.2)
        assert raw.count(200) < count
        assert {late.answer().status for _ in range(count)} == {200}
        assert late.closed()
        raw.wait(raw.settled)
    assert patient.faults == []


def test_others_have_their_turn_while_one_sends_many_requests(raw: RawServer, good: bytes) -> None:
    with raw.connect() as greedy, raw.connect() as other:
        other.send(request("GET", LIVE))
        assert other.answer().status == 200
        greedy.send(request(body=good) * 3000)
        other.send(request("GET", "/live"))
        assert other.answer().status == 200
        between = raw.count(200)
        assert {greedy.answer().status for _ in range(3000)} == {200}
    assert between < 2500


def test_half_closed_connections_are_answered(raw: RawServer, good: bytes) -> None:
    with raw.connect() as caller:
        caller.send(request(body=good) * 50)
        caller.end()
        assert [caller.answer().status for _ in range(50)] == [200] * 50
        assert caller.closed()
    with raw.connect() as caller:
        caller.end()
        assert caller.closed()


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_goes_away_is_counted(raw: RawServer, reset: bool) -> None:
    for data in (b"P", HEAD, request(Content_Length="50") + b"{", CHUNKED + b"2\r\n{"):
        before = raw.count(499)
        with raw.connect() as caller:
            caller.send(data)
            time.sleep(0.02)
            if reset:
                caller.socket.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER of 0 s: close resets
        raw.wait(lambda before=before: raw.count(499) == before + 1)
    raw.wait(lambda: raw.app.metrics.in_flight == 0)


def test_a_request_that_is_never_answered_is_counted_when_its_client_gives_up(
    raw: RawServer, good: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the canary counts on, who has no other figure of what hangs."""
    monkeypatch.setattr(http.Connection, "on_message_complete", lambda self: None)
    before = raw.count(499)
    with raw.connect() as caller:
        caller.send(request(body=good))
        raw.wait(lambda: raw.app.metrics.in_flight == 1)
    raw.wait(lambda: raw.count(499) == before + 1)
    assert raw.app.metrics.in_flight == 0


def test_a_request_under_way_is_in_flight(raw: RawServer, good: bytes) -> None:
    with raw.connect() as caller:
        caller.send(request(body=good)[:-1])
        raw.wait(lambda: raw.app.metrics.in_flight == 1)
        caller.send(good[-1:])
        assert caller.answer().status == 200
        assert raw.app.metrics.in_flight == 0
        caller.send(request("GET", LIVE)[:-1])
        time.sleep(0.05)
        assert raw.app.metrics.in_flight == 0


def test_headers_that_come_twice_are_joined(raw: RawServer, good: bytes) -> None:
    twice = request(body=good, x_request_id="a").replace(
        b"\r\n\r\n", b"\r\nX-Request-ID: b\r\nx-request-id:\r\n\r\n", 1
    )
    assert raw.ask(twice)[0].headers["x-request-id"] == "a, b, "
    twice = request(body=good, Content_Type="application/json")
    twice = twice.replace(b"\r\n\r\n", b"\r\nContent-Type: text/csv\r\n\r\n", 1)
    assert raw.ask(twice)[0].status == 415


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        (b" padded \t", "padded"),
        (b"a\tb", None),
        (b"\xe4\xff", None),
        ("\N{SNOWMAN}".encode(), None),
        (b"a%0d%0aSet-Cookie:x", "a%0d%0aSet-Cookie:x"),
    ],
)
def test_a_request_id_cannot_write_headers(raw: RawServer, good: bytes, sent: bytes, answered: str | None) -> None:
    answer = raw.ask(request(body=good, x_request_id="@").replace(b"@", sent))[0]
    assert answer.status == (400 if answered is None else 200)
    assert answer.headers["x-request-id"].isascii()
    assert answer.headers["x-request-id"].isprintable()
    assert answered in (None, answer.headers["x-request-id"])


@pytest.mark.parametrize("identity", ["a\r\nSet-Cookie: x", "\ud800", "\N{SNOWMAN}", "\0", "\x85", "\u2028"])
@pytest.mark.parametrize("broken", [False, True])
def test_nor_can_an_id_in_the_body(raw: RawServer, raw_app: App, identity: str, broken: bool) -> None:
    row = {**raw_app._v2._scorer.example, **({"month": 13} if broken else {})}
    body = json.dumps({"jsonData": row, "meta": {"puid": identity}}).encode()
    answer = raw.ask(request(body=body, x_request_id="outer"))[0]
    assert answer.status in (200, 400)
    assert "set-cookie" not in answer.headers
    assert answer.headers["x-request-id"].isprintable()


def test_the_date_is_the_time(raw: RawServer) -> None:
    answer = raw.ask(request("GET", LIVE))[0]
    told = parsedate_to_datetime(answer.headers["date"])
    assert answer.headers["date"].endswith(" GMT")
    assert abs((datetime.now(UTC) - told).total_seconds()) < 3


def test_answers_tell_to_leave_while_the_server_closes(raw: RawServer, good: bytes) -> None:
    raw.app.closing = True
    with raw.connect() as caller:
        caller.send(request(body=good) * 3)
        assert caller.answer().headers["connection"] == "close"
        assert caller.closed()


def test_a_connection_leaves_nothing_for_the_garbage_collector(raw: RawServer, good: bytes) -> None:
    gc.collect()
    gc.disable()
    try:
        for _ in range(5):
            raw.ask(request(body=good), request("GET", LIVE, **UPGRADES["h2c"]))
        raw.wait(raw.settled)
        left = [found for found in gc.get_objects() if isinstance(found, http.Connection)]
    finally:
        gc.enable()
    assert left == []


class Broken(Exception):
    """Not one of ours."""


@pytest.fixture
def broken(raw_app: App) -> Any:
    """A server whose app fails where no wall is."""
    with RawServer(raw_app, LIMITS) as server:
        yield server
        server.wait(server.settled)
    assert server.faults == []


def test_a_fault_beyond_the_app_s_wall_is_a_500_and_the_end(
    broken: RawServer, good: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> Reply:
        raise Broken("a secret")

    monkeypatch.setattr(broken.app, "answer", fail)
    with broken.connect() as caller:
        caller.send(request(body=good) * 2)
        answer = caller.answer()
        assert (answer.status, answer.headers["connection"]) == (500, "close")
        assert b"secret" not in answer.body
        assert caller.closed()
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info is not None
    assert isinstance(record.exc_info[1], Broken)


def test_an_answer_that_cannot_be_written_is_a_500(
    broken: RawServer, good: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    snowman = Reply(200, [("x-request-id", "\N{SNOWMAN}")], b"{}")
    monkeypatch.setattr(broken.app, "answer", lambda *_: snowman)
    with broken.connect() as caller:
        caller.send(request(body=good))
        assert caller.answer().status == 500
        assert caller.closed()
    assert "internal fault" in caplog.text


def test_a_fault_in_refusing_too_ends_the_connection(
    broken: RawServer, good: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> Reply:
        raise Broken

    monkeypatch.setattr(broken.app, "answer", fail)
    monkeypatch.setattr(broken.app, "refuse", fail)
    for data in (request(body=good), b"garbage\r\n\r\n"):
        caplog.clear()
        with broken.connect() as caller:
            caller.send(data)
            with contextlib.suppress(ConnectionError):
                assert caller.closed()
        assert "internal fault of a connection" in caplog.text
