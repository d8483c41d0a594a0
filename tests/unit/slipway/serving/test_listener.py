from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import resource
import socket
import threading
import time
from pathlib import Path

import psutil
import pytest

from slipway.serving import listener
from slipway.serving.app import App
from slipway.serving.replies import Reply
from tests.live_server import LiveServer, rows
from tests.raw_server import Caller, RawServer, request
from tests.unit.slipway.serving.conftest import LIMITS

LIVE = request("GET", "/v2/health/live")


@pytest.fixture
def good(raw_app: App) -> bytes:
    """A request that is answered with 200."""
    return request(body=json.dumps({"jsonData": raw_app._v2._scorer.example}).encode())


def closing(server: RawServer, seconds: float) -> tuple[threading.Thread, list[bool]]:
    """Begin to close the server as SIGTERM does; its thread, and what the listener says at the end."""
    ended: list[bool] = []

    def close() -> None:
        server.app.closing = True
        ended.append(server.run(server.listener.close(seconds)))

    thread = threading.Thread(target=close)
    thread.start()
    return thread, ended


def test_one_connection_more_than_allowed_is_reset_and_the_others_are_served(raw_app: App) -> None:
    with RawServer(raw_app, LIMITS, most=3) as server:
        with contextlib.ExitStack() as stack:
            held = [stack.enter_context(server.connect()) for _ in range(3)]
            for caller in held:
                caller.send(LIVE)
                assert caller.answer().status == 200
            with server.connect() as refused, contextlib.suppress(ConnectionError):
                assert refused.closed()
            for caller in held:
                caller.send(LIVE)
                assert caller.answer().status == 200
        server.wait(server.settled)
        assert server.ask(LIVE)[0].status == 200
        server.wait(server.settled)
    assert server.faults == []


def test_idle_connections_are_closed_at_once_and_in_order(raw: RawServer) -> None:
    with raw.connect() as fresh, raw.connect() as used:
        used.send(LIVE)
        assert used.answer().status == 200
        raw.wait(lambda: len(raw.listener._connections) == 2)
        thread, ended = closing(raw, 5)
        assert fresh.closed()
        assert used.closed()
        thread.join()
        assert ended == [True]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", raw.port))


def test_a_request_under_way_is_finished_and_its_answer_says_close(raw: RawServer, good: bytes) -> None:
    with raw.connect() as caller:
        caller.send(good[:-1])
        raw.wait(lambda: raw.app.metrics.in_flight == 1)
        thread, ended = closing(raw, 5)
        time.sleep(0.05)
        assert ended == []
        caller.send(good[-1:] + good)
        answer = caller.answer()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert caller.closed()
    thread.join()
    assert ended == [True]


def test_an_answer_on_its_way_is_read_to_its_end(raw_app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"x" * (8 << 20)
    monkeypatch.setattr(raw_app, "answer", lambda *_: Reply(200, [], body))
    patient = RawServer(raw_app, dataclasses.replace(LIMITS, body_seconds=20))
    with patient as raw, raw.connect(receive_buffer=4096) as caller:
        caller.send(LIVE)
        raw.wait(lambda: any(connection._stuck for connection in raw.listener._connections))
        thread, ended = closing(raw, 20)
        time.sleep(0.1)
        assert ended == []
        assert caller.answer().body == body
        assert caller.closed()
        thread.join()
        assert ended == [True]
    assert patient.faults == []


def test_the_deadline_holds(raw: RawServer, good: bytes) -> None:
    with raw.connect() as caller:
        caller.send(good[:-1])
        raw.wait(lambda: raw.app.metrics.in_flight == 1)
        thread, ended = closing(raw, 0.1)
        thread.join()
        assert ended == [False]


def test_as_many_connections_as_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    unlimited = resource.RLIM_INFINITY
    for soft, hard, most in (
        (1024, 4096, 4096 - 128),
        (1024, unlimited, 65536 - 128),
        (unlimited, unlimited, 65536 - 128),
        (1 << 20, 1 << 20, 65536 - 128),
        (100, 100, 128),
    ):
        asked: list[tuple[int, int]] = []
        monkeypatch.setattr(resource, "getrlimit", lambda _, limits=(soft, hard): limits)
        monkeypatch.setattr(resource, "setrlimit", lambda _, limits, asked=asked: asked.append(limits))
        assert listener.most_connections() == most
        assert asked in ([], [(most + 128, hard)])


def test_a_server_without_descriptors_recovers(release_folder: Path, tmp_path: Path) -> None:
    with LiveServer(release_folder, log=tmp_path / "log") as live:
        body = json.dumps({"jsonData": rows(live.fields, 1)[0]}).encode()
        process = psutil.Process(live.process.pid)
        with Caller(live.port) as kept:
            kept.send(LIVE)
            assert kept.answer().status == 200
            limits = process.rlimit(psutil.RLIMIT_NOFILE)
            process.rlimit(psutil.RLIMIT_NOFILE, (1, limits[1]))
            with Caller(live.port) as waiting:
                waiting.send(LIVE)
                for _ in range(3):
                    kept.send(request(body=body))
                    assert kept.answer().status == 200
                process.rlimit(psutil.RLIMIT_NOFILE, limits)
                for _ in range(3):
                    with Caller(live.port) as caller:
                        caller.send(request(body=body))
                        assert caller.answer().status == 200
                assert waiting.answer().status == 200
        assert live.stop() == 0
    assert all(line["level"] == "info" for line in live.lines())


def test_opening_on_a_port_in_use_fails(raw_app: App) -> None:
    with socket.socket() as taken, socket.socket() as late:
        for each in (taken, late):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        late.bind(taken.getsockname())
        taken.listen()
        with pytest.raises(OSError, match="Address already in use"):
            asyncio.run(listener.Listener(raw_app, LIMITS).open(late))
