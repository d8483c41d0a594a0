"""100,000 mutilated requests: every answer is one that HTTP allows, none is wrong, nothing hangs, nothing is logged."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import re
import socket
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import uvloop

from slipway import release
from slipway.contracts.signature import Field, from_json
from slipway.files import read_json
from slipway.serving.app import App
from slipway.serving.listener import Listener
from slipway.serving.scoring import Scorer
from slipway.serving.settings import Settings
from tests.live_server import LiveServer, rows, tensors
from tests.raw_server import request

OVER_SOCKETS = 10_000
# As quickly as may be, without sockets: each whole, and once more split.
IN_PROCESS = 90_000
# How often a good request is asked on a connection of its own in between.
GOOD_EVERY = 20
ALLOWED = {200, 400, 404, 405, 408, 413, 415, 431}
TOKENS = (
    b"\r\n", b"\r", b"\n", b"\0", b" ", b"\t", b":", b";", b",", b"\r\n\r\n", b"0\r\n\r\n", b"\xff", b"\x80", b"-1",
    b"0x",
    b"18446744073709551616", b"chunked", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"Host: y\r\n",
    b"Expect: 100-continue\r\n", b"Connection: close\r\n", b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"HTTP/1.0",
    b"HTTP/2.0", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"OPTIONS", b"CONNECT",
    b"%00", b"%", b"?", b"//", b"\x16\x03\x01",
    b"Content-Encoding: gzip\r\n", b"Inference-Header-Content-Length: 9\r\n", b"x" * 3000,
)  # fmt: skip
ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) [A-Za-z -]+\r\n((?:[a-z-]+: [^\r\n]*\r\n)+)\r\n")
SCORE = re.compile(rb"late_probability.*?(0\.\d{9,})")


def mutilated(source: random.Random, good: list[bytes], heads_only: bool) -> bytes:
    """One or two good requests with up to three faults, in their heads only if so wished."""
    data = bytearray(b"".join(source.choices(good, k=source.choice((1, 1, 2)))))
    for _ in range(source.randint(1, 3)):
        at = source.randrange(data.index(b"\r\n\r\n") + 2 if heads_only and b"\r\n\r\n" in data else len(data))
        match source.randrange(6):
            case 0:
                data[at] = source.randrange(256)
            case 1:
                data[at:at] = source.choice(TOKENS)
            case 2:
                del data[at : at + source.randint(1, 8)]
            case 3:
                data[at:at] = data[at : at + source.randint(1, 60)]
            case 4:
                data[at : at + len(token)] = (token := source.choice(TOKENS))
            case _:
                cut = data.rfind(b"\r\n", 0, at) + 2
                data[cut:cut] = data[data.rfind(b"\r\n", 0, cut - 2) + 2 : cut]  # a line once more
        if not data:
            return b"\r\n"
    return bytes(data)


def exchange(port: int, data: bytes) -> bytes:
    """All that the server says to ``data`` until it closes; a server that hangs ends in TimeoutError."""
    said = []
    with socket.create_connection(("127.0.0.1", port), timeout=20) as caller:
        try:
            caller.sendall(data)
            caller.shutdown(socket.SHUT_WR)
            while part := caller.recv(1 << 16):
                said.append(part)
        except ConnectionError:
            said.append(b"RESET")
    return b"".join(said)


def answers(said: bytes) -> list[tuple[int, bytes]]:
    """Status and body of each answer; fails on what HTTP does not allow."""
    found, at = [], 0
    while at < len(said):
        if said.startswith(b"HTTP/1.1 100 Continue\r\n\r\n", at):
            at += 25
            continue
        head = ANSWER.match(said, at)
        assert head, said[at : at + 300]
        lengths = re.findall(rb"content-length: (\d+)\r\n", head[2])
        assert len(lengths) == 1, head[2]
        at = head.end() + int(lengths[0])
        assert at <= len(said), "an answer is cut off"
        found.append((int(head[1]), said[head.end() : at]))
    return found


class Wire(asyncio.Transport):
    """What a connection writes to; it is always ready."""

    def __init__(self) -> None:
        super().__init__()
        self.said = b""
        self.ended = self.paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended, "written after the end"
        self.said += data

    def write_eof(self) -> None:
        self.ended = True

    close = abort = write_eof

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def get_write_buffer_size(self) -> int:
        return 0


async def fed(listener: Listener, pieces: list[bytes]) -> list[tuple[int, bytes]]:
    """The answers to what arrives in these pieces, and then no more."""
    connection, wire = listener.connection(), Wire()
    connection.connection_made(wire)
    for piece in pieces:
        connection.data_received(piece)
        while wire.paused:
            await asyncio.sleep(0)
    connection.eof_received()
    connection.connection_lost(None)
    return answers(wire.said)


def scores_in(found: list[tuple[int, bytes]]) -> list[tuple[int, list[bytes]]]:
    return [(status, SCORE.findall(body)) for status, body in found]


def test_fuzzed_requests_get_the_same_answer_whole_and_split(
    release_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    source = random.Random(5)
    counts: Counter[str] = Counter()
    app = App(Scorer(release.load(release_folder)), Settings())
    good = corpus(from_json(read_json(release_folder / "signature.json")))

    async def run() -> None:
        listener = Listener(app, Settings())
        scores = {score for data in good for _, found in scores_in(await fed(listener, [data])) for score in found}
        assert len(scores) == 4
        for number in range(IN_PROCESS // 2):
            heads_only = number % 2 == 0
            data = mutilated(source, good, heads_only)
            whole = scores_in(await fed(listener, [data]))
            cuts = [0, *sorted(source.choices(range(len(data) + 1), k=source.randint(1, 5))), len(data)]
            split = await fed(listener, [data[start:end] for start, end in pairwise(cuts) if start < end])
            assert scores_in(split) == whole, data
            counts.update(str(status) for status, _ in whole)
            assert {status for status, _ in whole} <= ALLOWED, data
            assert not heads_only or {score for _, found in whole for score in found} <= scores, data
            assert app.metrics.in_flight == 0
            assert not listener._connections

    uvloop.run(run())
    sys.stdout.write(f"{IN_PROCESS} fuzzed requests, half of them split: {dict(counts.most_common())}\n")
    assert caplog.records == []
    assert counts["200"] > IN_PROCESS / 40
    assert counts["400"] > IN_PROCESS / 6


def test_fuzzed_requests_get_no_wrong_answer_and_no_hang(release_folder: Path, tmp_path: Path) -> None:
    source = random.Random(4)
    counts: Counter[str] = Counter()
    with LiveServer(release_folder, log=tmp_path / "log") as live:
        good = corpus(live.fields)
        scores = {score for data in good for score in SCORE.findall(exchange(live.port, data))}
        assert len(scores) == 4
        expected = exchange(live.port, good[0]).partition(b"\r\n\r\n")[2]
        for number in range(OVER_SOCKETS):
            heads_only = number % 2 == 0
            data = mutilated(source, good, heads_only)
            said = exchange(live.port, data)
            for status, body in answers(said):
                assert status in ALLOWED, (data, said)
                counts[str(status)] += 1
                if heads_only:
                    assert set(SCORE.findall(body)) <= scores, (data, said)
            counts["unanswered"] += not said
            if number % GOOD_EVERY == 0:
                assert exchange(live.port, good[0]).partition(b"\r\n\r\n")[2] == expected
                counts["good in between"] += 1
        _, _, metrics = live.send("GET", "/metrics")
        assert live.stop() == 0
    sys.stdout.write(f"{OVER_SOCKETS} fuzzed requests over sockets: {dict(counts.most_common())}\n")
    assert b"\nslipway_requests_in_flight 0.0\n" in metrics
    assert [line for line in live.lines() if line["level"] == "error"] == []
    assert counts["200"] > OVER_SOCKETS / 20
    assert counts["400"] > OVER_SOCKETS / 3


def corpus(fields: list[Field]) -> list[bytes]:
    """Good requests of every form; the first has an id of its own."""
    values = rows(fields, 4, seed=7)
    first, second, third, fourth = (json.dumps({"jsonData": row}).encode() for row in values)
    infer = json.dumps({"inputs": tensors(fields, values[3:])}).encode()
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (second[:99], second[99:])) + b"0\r\nA: b\r\n\r\n"
    return [
        request(body=first, x_request_id="r-1"),
        request(Transfer_Encoding="chunked") + chunks,
        request(body=third, version="1.0", Connection="keep-alive", Content_Type="application/json"),
        request(body=fourth, Expect="100-continue", Connection="Upgrade", Upgrade="h2c"),
        request(path="/v2/models/flight_delay/infer", body=infer),
        request("GET", "http://x/v2/health/live?a=b%20c", Accept="*/*", User_Agent="fuzz"),
        request("GET", "/metadata"),
    ]
