"""``slipway collect`` through its real process."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.request_log import RequestLog, Settings
from slipway.request_log.partitions import answers
from tests.conftest import ROOT
from tests.nats_server import NatsServer
from tests.request_records import SERVED, answer, truth

SLIPWAY = [sys.executable, "-m", "slipway", "collect"]


def collect(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SLIPWAY, *arguments], capture_output=True, text=True, check=False)


async def serve(settings: Settings) -> None:
    log = RequestLog(settings, SERVED)
    await log.start()
    while not log.counts()["connected"]:
        await asyncio.sleep(0.01)
    for number in range(100):
        log.answered(answer(number))
    log.feedback(truth("r7", [1]))
    log.feedback(truth("nobody", [1]))
    await log.close(10)


def test_it_prints_what_it_collected_for_machines_and_for_people(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as server:
        asyncio.run(serve(Settings(servers=(server.url,), spool=tmp_path / "spool")))
        first = collect("--nats", server.url, "--to", str(tmp_path / "out"), "--json")
        second = collect("--nats", server.url, "--to", str(tmp_path / "out"))
    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    said = json.loads(first.stdout)
    assert said["collected"]["answers"] == 100
    assert said["labels"] == {
        "labelled": 1, "rewarded": 0, "written": 1,
        "feedback": 2, "repeated": 0, "overruled": 0, "unknown": 1, "refused": 0,
    }  # fmt: skip
    assert "collecting from 127.0.0.1" in first.stderr
    assert "0 messages, 0 repeated, 0 answers, 0 feedback, 0 dead letters" in second.stdout
    assert "labels: 1 labelled, 0 rewarded, 0 written" in second.stdout
    assert answers(tmp_path / "out").collect().height == 100


def test_the_document_s_commands_and_its_look_at_the_result_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = (ROOT / "docs" / "reference" / "request-log.md").read_text()
    commands, look = (re.findall(rf"```{kind}\n(.*?)```", document, re.DOTALL) for kind in ("console", "python"))
    monkeypatch.chdir(tmp_path)
    with NatsServer(tmp_path / "nats") as server:
        asyncio.run(serve(Settings(servers=(server.url,), spool=tmp_path / "spool")))
        for command in commands[0].splitlines():
            assert command.startswith("slipway collect ")
            done = collect(*shlex.split(command.replace("nats://127.0.0.1:4222", server.url))[2:])
            assert done.returncode == 0, done.stderr
    exec(look[0].replace("flight_delay", SERVED.model), {})
    shown = capsys.readouterr().out
    assert "┆ 100 " in shown
    assert "│ 1   ┆ 1.0" in shown


def test_without_nats_it_is_exit_3_with_a_remedy(tmp_path: Path) -> None:
    done = collect("--nats", "nats://127.0.0.1:1", "--to", str(tmp_path / "out"))
    assert (done.returncode, done.stdout) == (3, "")
    assert "does not answer at 127.0.0.1:1" in done.stderr
    assert "--nats" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_none_is_exit_3(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = collect("--nats", "nats://127.0.0.1:1", "--to", str(tmp_path / "file"))
    assert done.returncode == 3
    assert "cannot be written" in done.stderr


@pytest.mark.parametrize("option", ["--nats-creds", "--nats-ca"])
def test_a_file_to_reach_nats_by_that_is_missing_is_exit_3_and_named(tmp_path: Path, option: str) -> None:
    done = collect("--nats", "nats://127.0.0.1:1", "--to", str(tmp_path / "out"), option, str(tmp_path / "absent"))
    assert done.returncode == 3
    assert "absent" in done.stderr
    assert not (tmp_path / "out").exists()
