from __future__ import annotations

import http.client
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import psutil
import pytest

from slipway.errors import EnvironmentFault
from slipway.release import ReleaseBroken
from slipway.serving.server import serve
from slipway.serving.settings import Settings
from tests.live_server import SLIPWAY, LiveServer, rows, tensors


def test_the_start_says_what_is_served_and_a_curl_command_that_works(server: LiveServer) -> None:
    (ready,) = [line for line in server.lines() if line["message"] == "ready"]
    assert (ready["release"], ready["model"], ready["url"]) == (server.release.name, "flight_delay", server.url)
    answer = subprocess.run(["sh", "-c", ready["try"]], capture_output=True, check=True)
    assert json.loads(answer.stdout)["meta"]["tags"]["release"] == server.release.name


def test_people_are_told_the_same_in_sentences(release_folder: Path, tmp_path: Path) -> None:
    with LiveServer(release_folder, "--log-format", "console", log=tmp_path / "log") as live:
        while "curl" not in (said := live.log.read_text()):
            assert live.process.poll() is None
    assert live.release.name in said
    assert live.url in said
    assert re.search(r"try +curl .*'$", said, re.MULTILINE)


def test_a_request_under_way_is_answered_after_sigterm(release_folder: Path, tmp_path: Path) -> None:
    with LiveServer(release_folder, log=tmp_path / "log") as live:
        body = json.dumps({"jsonData": rows(live.fields, 1)[0]}).encode()
        with _half_sent(live, body) as caller:
            live.process.terminate()
            _wait_until_draining(live)
            caller.sendall(body[100:])
            answer = caller.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 200")
        assert b"late_probability" in answer
        assert live.process.wait(timeout=60) == 0, live.log.read_text()
        with pytest.raises(ConnectionRefusedError):
            live.send("GET", "/live")


def test_a_request_that_never_ends_does_not_hold_the_server(release_folder: Path, tmp_path: Path) -> None:
    with LiveServer(release_folder, "--drain-seconds", "0.5", log=tmp_path / "log") as live:
        with _half_sent(live, b"x" * 1000):
            assert live.stop() == 0
        assert "requests unfinished" in live.log.read_text()


def test_a_changed_release_is_refused_by_the_file_s_name(release_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(release_folder, tmp_path / release_folder.name)
    with (copy / "model.txt").open("ab") as model:
        model.write(b"\n")
    run = subprocess.run([*SLIPWAY, "serve", str(copy)], check=False, capture_output=True, text=True)
    assert run.returncode == 3
    (line,) = run.stderr.splitlines()
    said = json.loads(line)
    assert (said["level"], said["release"], said["exit_code"]) == ("error", str(copy), 3)
    assert "model.txt has sha256" in said["message"]
    assert said["remedy"]


def test_people_are_told_why_it_does_not_start(release_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(release_folder, tmp_path / ("0" * 64))
    command = [*SLIPWAY, "serve", str(copy), "--log-format", "console"]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 3
    assert run.stderr.startswith("slipway: ")
    assert "but the release is named 0000" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_folder_of_another_name_is_refused(release_folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(release_folder, tmp_path / ("0" * 64))
    with pytest.raises(ReleaseBroken, match="but the release is named 0000"):
        serve(copy, Settings())


def test_a_port_in_use_is_an_error_that_names_it(release_folder: Path, server: LiveServer) -> None:
    with pytest.raises(EnvironmentFault, match=f"Cannot listen on 127.0.0.1:{server.port}: Address already in use"):
        serve(release_folder, Settings(port=server.port))


def test_a_host_that_is_not_ours_is_an_error(release_folder: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"Cannot listen on 192\.0\.2\.1"):
        serve(release_folder, Settings(host="192.0.2.1"))


def test_no_request_fails_when_a_server_is_replaced_under_load(release_folder: Path, tmp_path: Path) -> None:
    """Clients leave when an answer says so (connection: close), as a balancer's connections do; none is retried."""
    old = LiveServer(release_folder, "--unready-seconds", "1", log=tmp_path / "old")
    new = LiveServer(release_folder, log=tmp_path / "new")
    with old, new:
        body = json.dumps({"jsonData": rows(old.fields, 1)[0]}).encode()
        stop = threading.Event()
        with ThreadPoolExecutor(8) as clients:
            runs = [clients.submit(_ask_until, stop, (old.port, new.port), body) for _ in range(8)]
            time.sleep(0.5)
            old.process.terminate()
            assert old.process.wait(timeout=60) == 0
            time.sleep(0.2)
            stop.set()
            counts = [run.result() for run in runs]
    statuses = sum(counts, Counter())
    assert {status for _, status in statuses} == {200}
    assert statuses[old.port, 200] > 100
    assert statuses[new.port, 200] > 100


def _ask_until(stop: threading.Event, ports: tuple[int, int], body: bytes) -> Counter[tuple[int, int]]:
    """Ask the first port until told to leave, then the second; how often each answered with which status."""
    answers: Counter[tuple[int, int]] = Counter()
    for port in ports:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while not stop.is_set():
            connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            answers[port, answer.status] += 1
            if answer.headers["connection"] == "close":
                break
        connection.close()
    return answers


def test_readiness_ends_first_while_requests_are_still_answered(release_folder: Path, tmp_path: Path) -> None:
    with LiveServer(release_folder, "--unready-seconds", "1.5", log=tmp_path / "log") as live:
        live.process.terminate()
        _wait_until_draining(live)
        assert live.send("GET", "/ready")[0] == 503
        assert live.send("GET", "/v2/health/ready")[0] == 503
        assert live.send("GET", "/live")[0] == 200
        status, headers, _ = live.send("POST", "/predict", json.dumps({"jsonData": rows(live.fields, 1)[0]}).encode())
        assert (status, headers["connection"]) == (200, "close")
        assert live.process.wait(timeout=60) == 0
        with pytest.raises(ConnectionRefusedError):
            live.send("GET", "/live")


def test_a_late_body_is_a_408_and_the_connection_closed(release_folder: Path, tmp_path: Path) -> None:
    with LiveServer(release_folder, "--body-seconds", "0.2", log=tmp_path / "log") as live:
        with _half_sent(live, b"x" * 1000) as caller:
            answer = caller.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"connection: close" in answer
        assert live.post("/predict", {"jsonData": rows(live.fields, 1)})[0] == 200


def test_memory_does_not_grow_with_requests(release_folder: Path, tmp_path: Path) -> None:
    with LiveServer(release_folder, log=tmp_path / "log") as live:
        bodies = _mixture(live)
        _send_all(live, bodies, 8_000)
        before = psutil.Process(live.process.pid).memory_info().rss
        _send_all(live, bodies, 30_000)
        grown = psutil.Process(live.process.pid).memory_info().rss - before
    assert before < 250 * 2**20
    assert grown < 4 * 2**20  # 140 bytes a request


def _mixture(live: LiveServer) -> list[tuple[str, bytes]]:
    """Good and bad requests of one row and of several, in both protocols."""
    infer, predict = "/v2/models/flight_delay/infer", "/api/v1.0/predictions"
    values = rows(live.fields, 20, seed=6)
    messages: list[tuple[str, Any]] = [(infer, {"inputs": tensors(live.fields, [row])}) for row in values]
    messages += [(predict, {"jsonData": row}) for row in values]
    messages += [(predict, {"jsonData": row | {"month": 13}}) for row in values[:6]]
    messages += [(infer, {"inputs": tensors(live.fields, values)}), (predict, {"jsonData": values})]
    messages += [("/send-feedback", {"response": {"meta": {"puid": "p"}}, "reward": 1}), ("/nowhere", {})]
    return [(path, json.dumps(message).encode()) for path, message in messages] + [(infer, b"{broken")]


def _send_all(live: LiveServer, bodies: list[tuple[str, bytes]], count: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    for number in range(count):
        path, body = bodies[number % len(bodies)]
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        assert answer.status < 500
        answer.read()
    connection.close()


def _half_sent(live: LiveServer, body: bytes) -> socket.socket:
    caller = socket.create_connection(("127.0.0.1", live.port), timeout=30)
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    caller.sendall(head.encode() + body[:100])
    return caller


def _wait_until_draining(live: LiveServer) -> None:
    while "draining" not in live.log.read_text():
        assert live.process.poll() is None


def test_hundreds_of_kept_connections_do_not_shut_out_a_probe(release_folder: Path, tmp_path: Path) -> None:
    with LiveServer(release_folder, log=tmp_path / "log") as live, ExitStack() as held:
        for _ in range(300):
            kept = held.enter_context(closing(http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)))
            kept.request("GET", "/v2/health/live")
            assert kept.getresponse().read()
        assert live.get("/v2/health/ready") == (200, {"ready": True})
