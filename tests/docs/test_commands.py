"""The commands that the documents show, run: those that no step of CI runs by itself."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attested import working_tree
from tests.conftest import ROOT
from tests.docs import commands
from tests.osv_server import OsvServer

__all__ = ["working_tree"]

SHOWN = commands.all_commands()


def by(runner: str) -> list[str]:
    return [command for command in SHOWN if commands.runner(command) == runner]


@pytest.fixture(scope="module")
def advisory_source() -> Iterator[str]:
    """The URL of one that knows nothing against what we use."""
    with OsvServer() as source:
        yield source.url


@pytest.fixture(scope="module")
def platform(working_tree: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Git server's repository whose main is the working tree."""
    bare = tmp_path_factory.mktemp("platform") / "platform.git"
    subprocess.run(["git", "clone", "--quiet", "--bare", "--shared", working_tree["GIT_DIR"], bare], check=True)
    subprocess.run(["git", "update-ref", "refs/heads/main", "HEAD"], cwd=bare, check=True)
    return bare


@pytest.mark.parametrize("command", by("here"))
def test_command_works(
    command: str, tmp_path: Path, working_tree: dict[str, str], advisory_source: str, platform: Path
) -> None:
    told = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "SLIPWAY_OSV_URL": advisory_source}
    environment = os.environ | working_tree | told
    if command == "make hooks":
        subprocess.run(["git", "init", "-q", tmp_path], check=True)
        environment |= {"GIT_DIR": str(tmp_path / ".git"), "GIT_WORK_TREE": str(ROOT)}
    # What is written there is another release's after the next `make repro`, and refused.
    shown = re.sub(r"(--to|--quarantine|--html) (\S+)", rf"\1 {tmp_path}/\2", command)
    if command.startswith("slipway scan") and "--help" not in command:
        shown += f" --to {tmp_path}/scan.json"
    if command.startswith("slipway status") and "--help" not in command:
        shown += f" --remote {platform}"
    done = subprocess.run(shlex.split(shown), cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout + done.stderr
    if command == "make hooks":
        assert (tmp_path / ".git/hooks/pre-commit").exists()


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[int, str]]:
    """`make serve` on a free port: the port, and what it printed up to its curl."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        ["make", "serve", f"PORT={port}"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert server.stderr is not None
    banner = ""
    for line in server.stderr:
        banner += line
        if "curl" in banner and line.rstrip().endswith("'"):
            break
    yield port, banner
    os.killpg(server.pid, signal.SIGTERM)
    server.communicate(timeout=60)


def test_make_serve_prints_a_curl_that_works(served: tuple[int, str]) -> None:
    port, banner = served
    found = re.search(r"curl .*'", banner, re.DOTALL)
    assert found, banner
    assert str(port) in found.group()
    done = subprocess.run(["bash", "-c", found.group()], capture_output=True, text=True, check=True)
    assert "late_probability" in done.stdout


@pytest.mark.parametrize("command", [command for command in by("server") if command.startswith("curl")])
def test_curl_works(served: tuple[int, str], command: str) -> None:
    port, _ = served
    shown = command.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    assert shown != command, "a documented curl goes to 127.0.0.1:8080"
    done = subprocess.run(["bash", "-c", shown], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout
