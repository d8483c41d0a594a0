from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from slipway.errors import EnvironmentFault
from slipway.release import ReleaseBroken
from slipway.serving.server import serve
from slipway.serving.settings import Settings
from tests.live_server import SLIPWAY, LiveServer, rows


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
        with pytest.raises(ConnectionRefusedError):
            live.send("GET", "/live")
        assert live.process.wait(timeout=60) == 0, live.log.read_text()


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
    assert "model.txt has sha256" in run.stderr
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


def _half_sent(live: LiveServer, body: bytes) -> socket.socket:
    caller = socket.create_connection(("127.0.0.1", live.port), timeout=30)
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    caller.sendall(head.encode() + body[:100])
    return caller


def _wait_until_draining(live: LiveServer) -> None:
    while "draining" not in live.log.read_text():
        assert live.process.poll() is None
