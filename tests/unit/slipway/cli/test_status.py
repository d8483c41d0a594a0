"""`slipway status` as a process: what it prints, what it ends with, and that it waits for what is under way."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import toy_platform
from tests.conftest import MODEL, ROOT
from tests.faults.workspace import Workspace
from tests.toy_platform import IMAGES, RELEASES, ToyPlatform, platform_record

A, B, _ = RELEASES
FILE = f"gitops/envs/production/{MODEL}/release.yaml"


def record(weight: int | None, champion: int = 0, rejected: str = "[]") -> str:
    """release.yaml with B as the challenger at ``weight``, or without one."""
    challenger = "null" if weight is None else f"{{release: {B}, image: '{IMAGES[1]}', weight: {weight}}}"
    held = f"{{release: {RELEASES[champion]}, image: '{IMAGES[champion]}'}}"
    return f"champion: {held}\nchallenger: {challenger}\nrejected: {rejected}\n"


@pytest.fixture
def toy(tmp_path: Path) -> ToyPlatform:
    return toy_platform.make(tmp_path, record(None))


@pytest.fixture
def workspace(toy: ToyPlatform, tmp_path: Path) -> Workspace:
    found = Workspace(toy.top)
    found.env |= {"PYTHONPATH": str(ROOT / "platform-lib/src"), "XDG_STATE_HOME": str(tmp_path / "state")}
    found.env.pop("SLIPWAY_PLATFORM", None)
    return found


def test_without_a_platform_git_is_shown_and_who_was_not_asked(workspace: Workspace, toy: ToyPlatform) -> None:
    toy.change_main(FILE, record(10))
    done = workspace.slipway("status", "--html", "page.html")
    assert done.returncode == 0, done.stderr
    assert re.search(rf"production/{MODEL}\s+{A[:12]}\s+{B[:12]}\s+10 %", done.stdout)
    assert "step 1 of 4 since " in done.stdout
    assert "Prometheus: There is no platform: " in done.stdout
    assert "Run `make platform-up`" in " ".join(done.stdout.split())
    page = (toy.top / "page.html").read_text()
    assert "1 roll-out under way" in page
    told = workspace.slipway("status", MODEL, "-e", "production", "--json")
    (model,) = json.loads(told.stdout)["models"]
    assert (model["challenger"]["release"], model["rollout"]["weight"], model["rollout"]["step"]) == (B, 10, 1)
    assert model["history"][0]["outcome"] == "under way"
    assert told.stdout == workspace.slipway("status", MODEL, "-e", "production", "--json").stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nothing"], 2, "has no model nothing"),
        (["-e", "prod"], 2, "There is no environment 'prod'"),
        (["--remote", "elsewhere"], 2, "no remote 'elsewhere'"),
        (["--platform", "none.json"], 3, "none.json does not exist"),
        (["--remote", "http://127.0.0.1:1/none.git"], 3, "does not answer as it should"),
    ],
)
def test_what_is_wrong_is_said(workspace: Workspace, arguments: list[str], code: int, said: str) -> None:
    for more in ([], ["--watch"]):
        done = workspace.slipway("status", *arguments, *more)
        assert (done.returncode, done.stdout) == (code, "")
        assert said in done.stderr


def test_a_platform_that_is_named_has_its_own_git(workspace: Workspace, tmp_path: Path) -> None:
    named = platform_record(tmp_path / "platform.json", "http://127.0.0.1:1")
    done = workspace.slipway("status", "--platform", str(named))
    assert done.returncode == 3
    assert "http://127.0.0.1:1/platform.git" in done.stderr
    done = workspace.slipway("status", "--platform", str(named), "--remote", "platform")
    assert done.returncode == 0, done.stderr


@contextmanager
def watching(workspace: Workspace, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "slipway", "status", "--watch", *arguments]
    with subprocess.Popen(
        command, cwd=workspace.top, env=workspace.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> dict[str, object]:
    """The next line of JSON: the newest rollout of production."""
    assert process.stdout is not None
    production = json.loads(process.stdout.readline())["models"][1]
    found: dict[str, object] = production["rollout"] or {}
    return found


def test_watching_ends_when_the_challenger_is_the_champion(workspace: Workspace, toy: ToyPlatform) -> None:
    toy.change_main(FILE, record(10))
    with watching(workspace, "--json", "--html", "page.html") as process:
        assert line(process)["weight"] == 10
        toy.change_main(FILE, record(100))
        assert line(process)["weight"] == 100
        toy.change_main(FILE, record(None, champion=1))
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(out)["models"][1]["history"][0]["outcome"] == "became champion"
    assert "became champion" in (toy.top / "page.html").read_text()


def test_watching_ends_with_1_when_it_is_rolled_back(workspace: Workspace, toy: ToyPlatform) -> None:
    toy.change_main(FILE, record(10))
    reason = f"[{{release: {B}, image: '{IMAGES[1]}', at: 2026-11-30T12:00:00Z, reason: It is slower.}}]"
    with watching(workspace) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        toy.change_main(FILE, record(None, rejected=reason))
        out, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"production/{MODEL}: {B[:12]} was rolled back" in said
    assert "It is slower." in " ".join(out.split())


def test_watching_may_be_interrupted(workspace: Workspace, toy: ToyPlatform) -> None:
    with watching(workspace, "--json") as process:
        assert line(process) == {}
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")


def test_a_terminal_keeps_the_last_look(workspace: Workspace, toy: ToyPlatform) -> None:
    toy.change_main(FILE, record(10))
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "slipway", "status", "--watch"]
    environment = workspace.env | {"TERM": "xterm", "LINES": "60"}
    with subprocess.Popen(
        command, cwd=workspace.top, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        shown = _until(ours, B[:12].encode())
        process.send_signal(signal.SIGINT)
        last = _until(ours, b"")
    os.close(ours)
    assert b"\x1b[?1049h" in shown
    left = last.rpartition(b"\x1b[?1049l")[2].decode()
    assert f"production/{MODEL}" in left
    assert "Traceback" not in left
    assert process.returncode == 130


def _until(terminal: int, expected: bytes) -> bytes:
    """What appears on a terminal up to some words; without any, up to its end."""
    seen = b""
    while not expected or expected not in seen:
        try:
            more = os.read(terminal, 1 << 16)
        except OSError:  # Nobody writes there any more.
            break
        if not more:
            break
        seen += more
    return seen
