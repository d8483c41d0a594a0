"""Several workers behind one port, as users start them."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families as prometheus

from slipway.errors import EnvironmentFault
from slipway.serving.server import serve
from slipway.serving.settings import Settings
from tests.live_server import SLIPWAY, LiveServer, free_port, rows

TWO = ("--workers", "2")


@contextmanager
def _two(release: Path, log: Path, *options: str) -> Iterator[LiveServer]:
    """A server whose two workers are both ready."""
    with LiveServer(release, *TWO, *options, log=log) as live:
        _wait_for(lambda: '"ready"' in log.read_text())
        yield live


def _workers(live: LiveServer) -> list[psutil.Process]:
    return psutil.Process(live.process.pid).children()


def _answered(live: LiveServer) -> float:
    """Predictions that the metrics tell of, by whichever worker answers."""
    text = live.send("GET", "/metrics")[2].decode()
    samples = [sample for family in prometheus(text) for sample in family.samples]
    wanted = {"protocol": "seldon", "route": "/predict", "code": "200"}
    return sum(
        sample.value for sample in samples if sample.name == "slipway_requests_total" and sample.labels == wanted
    )


def _settled(live: LiveServer) -> float:
    """The answers of all workers, once each of them tells the same; each looks at its peers ten times a second."""
    deadline = time.monotonic() + 30
    while len(told := {_answered(live) for _ in range(8)}) > 1:
        assert time.monotonic() < deadline, told
        time.sleep(0.3)
    return told.pop()


def test_both_answer_and_each_knows_the_figures_of_all(release_folder: Path, tmp_path: Path) -> None:
    port = free_port()
    with _two(release_folder, tmp_path / "log", "--metrics-port", str(port)) as live:
        (ready,) = [line for line in live.lines() if line["message"] == "ready"]
        assert ready["pid"] == live.process.pid
        message = {"jsonData": rows(live.fields, 1)[0]}
        for _ in range(40):  # each on a connection of its own, which the kernel gives to either worker
            assert live.post("/predict", message)[0] == 200
        _wait_for(lambda: _settled(live) == 40)
        busy = [sum(process.cpu_times()[:2]) for process in _workers(live)]
        assert len(busy) == 2
        live.port, first = port, live.port
        assert _answered(live) == 40
        live.port = first
        assert live.stop() == 0
    assert not [process for process in psutil.process_iter() if process.ppid() == live.process.pid]


def test_a_killed_worker_is_replaced_and_only_its_own_connections_suffer(release_folder: Path, tmp_path: Path) -> None:
    with _two(release_folder, tmp_path / "log") as live:
        body = json.dumps({"jsonData": rows(live.fields, 1)[0]}).encode()
        right = live.send("POST", "/predict", body)[2].split(b'"meta"')[0]
        stop = threading.Event()
        with ThreadPoolExecutor(8) as clients:
            runs = [clients.submit(_ask_until, stop, live, body, right) for _ in range(8)]
            for _ in range(3):
                time.sleep(0.5)
                before = {process.pid for process in _workers(live)}
                min(_workers(live), key=lambda process: process.pid).kill()
                _wait_for(lambda before=before: _replaced(live, before))
            time.sleep(0.5)
            stop.set()
            counts = sum((run.result() for run in runs), Counter[str]())
        sys.stdout.write(f"3 workers killed under load: {dict(counts)}\n")
        assert counts["wrong"] == 0
        assert counts["right"] > 500
        assert counts["broken"] <= 3 * 8  # at most the connections of the worker that was killed
        # A killed worker takes the answers of its last tenth of a second with it, and no more.
        assert 0.8 * counts["right"] < _settled(live) <= counts["right"] + counts["broken"] + 1
        assert live.stop() == 0


def _replaced(live: LiveServer, before: set[int]) -> bool:
    now = {process.pid for process in _workers(live)}
    return len(now) == 2 and now != before and live.log.read_text().count("warmed the model") >= 3


def _wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _ask_until(stop: threading.Event, live: LiveServer, body: bytes, right: bytes) -> Counter[str]:
    found: Counter[str] = Counter()
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    while not stop.is_set():
        try:
            connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
        except (http.client.HTTPException, ConnectionError):
            connection.close()
            found["broken"] += 1
        else:
            found["right" if answer.status == 200 and content.split(b'"meta"')[0] == right else "wrong"] += 1
    connection.close()
    return found


def test_workers_end_with_a_killed_parent(release_folder: Path, tmp_path: Path) -> None:
    with _two(release_folder, tmp_path / "log") as live:
        workers = _workers(live)
        live.process.send_signal(signal.SIGKILL)
        gone, alive = psutil.wait_procs(workers, timeout=30)
        assert (len(gone), alive) == (2, [])
        live.process.wait(timeout=10)
        with pytest.raises(ConnectionRefusedError):
            live.send("GET", "/live")


def test_requests_under_way_are_answered_after_sigterm(release_folder: Path, tmp_path: Path) -> None:
    with _two(release_folder, tmp_path / "log") as live:
        body = json.dumps({"jsonData": rows(live.fields, 1)[0]}).encode()
        head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        callers = [socket.create_connection(("127.0.0.1", live.port), timeout=30) for _ in range(8)]
        for caller in callers:
            caller.sendall(head + body[:100])
        live.process.terminate()
        _wait_for(lambda: live.log.read_text().count("draining") == 2)
        for caller in callers:
            caller.sendall(body[100:])
            with caller, caller.makefile("rb") as answer:
                assert answer.read().startswith(b"HTTP/1.1 200")
        assert live.process.wait(timeout=60) == 0


def test_a_worker_that_cannot_start_ends_the_server_with_its_reason(release_folder: Path, tmp_path: Path) -> None:
    spool = tmp_path / "a-file"
    spool.touch()
    command = [*SLIPWAY, "serve", str(release_folder), "--port", str(free_port()), *TWO]
    command += ["--request-log", "nats://127.0.0.1:9", "--spool", str(spool / "below")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 3, run.stderr
    assert "refused to start" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_broken_release_is_refused_before_any_worker_starts(release_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(release_folder, tmp_path / release_folder.name)
    (copy / "model.txt").write_bytes(b"")
    run = subprocess.run([*SLIPWAY, "serve", str(copy), *TWO], capture_output=True, text=True, check=False)
    assert run.returncode == 3
    (line,) = run.stderr.splitlines()
    assert "model.txt has sha256" in json.loads(line)["message"]


def test_a_port_in_use_is_not_shared(release_folder: Path, server: LiveServer) -> None:
    with pytest.raises(EnvironmentFault, match="Address already in use"):
        serve(release_folder, Settings(port=server.port, workers=2))


def test_grpc_is_refused_with_several_workers(release_folder: Path) -> None:
    command = [*SLIPWAY, "serve", str(release_folder), *TWO, "--grpc-port", str(free_port())]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "gRPC is served by a single worker" in run.stderr
