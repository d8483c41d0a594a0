"""A cluster of processes, driven by its command line as people drive it, and what it has on the machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "infra/.venv/bin/python"
PATIENCE = 90.0
"""Seconds."""


class BareNode:
    """One stack of the provider `processes`."""

    def __init__(self, stack: str, state_home: Path, first_port: int, programs: Path | None) -> None:
        self.stack = stack
        self.name = f"slipway-{stack}"
        self.first_port = first_port
        self.state = state_home / "slipway" / stack
        self._programs = ("--programs", str(programs)) if programs else ()
        self._environment = {**os.environ, "XDG_STATE_HOME": str(state_home), "HTTPS_PROXY": "http://127.0.0.1:9"}

    def run(self, verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One command of the provider, whatever becomes of it."""
        with self.begin(verb, *arguments) as process:
            output, errors = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def begin(self, verb: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a command and do not wait for it."""
        command = [str(PYTHON), "-m", "infra.clusters.processes", verb, "--stack", self.stack, "--json", *arguments]
        if verb == "up":
            command += [*self._programs, "--first-port", str(self.first_port)]
        return subprocess.Popen(
            command, cwd=ROOT, env=self._environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def done(self, verb: str, *arguments: str) -> dict[str, Any]:
        """One command that must succeed; its answer."""
        done = self.run(verb, *arguments)
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def up(self) -> dict[str, Any]:
        return self.done("up")

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """What kubectl answers. Raises AssertionError with its message when it fails."""
        programs = json.loads((self.state / "cluster/node.json").read_text())["programs"]
        command = [programs["kubectl"], f"--kubeconfig={self.state / 'cluster/kubeconfig'}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def first_process(self) -> int:
        """The process id of the node's PID 1 on this machine."""
        found = [pid for pid in self.processes() if b"infra.clusters.processes.node" in _command(pid)]
        first = [pid for pid in found if _numbers(pid)[1:] == ["1"]]
        assert len(first) == 1, found
        return first[0]

    def component(self, name: str) -> int:
        """The process id of a component on this machine: of the one that writes to its log."""
        log = self.state / "cluster/logs" / f"{name}.log"
        parents = {pid for pid in self.processes() if _writes_to(pid, log)}
        # The containers' shims write to containerd's log, too.
        oldest = [pid for pid in parents if _parent(pid) == self.first_process() and b"shim" not in _command(pid)]
        assert len(oldest) == 1, (name, parents)
        return oldest[0]

    def processes(self) -> list[int]:
        """Process ids on this machine of the control group of the node and its pods."""
        groups = Path("/sys/fs/cgroup").glob(f"**/{self.name}/**/cgroup.procs")
        return sorted({int(line) for group in groups for line in group.read_text().split()} - {0})

    def restarts(self, component: str) -> int:
        count: int = self.done("status")["components"][component]["restarts"]
        return count

    def is_whole(self) -> bool:
        """Whether every component runs, and the API server answers."""
        found = self.done("status")
        running = all(component["running"] for component in found["components"].values())
        return found["condition"] == "ready" and running and self._api_answers()

    def _api_answers(self) -> bool:
        try:
            return self.kubectl("get", "--raw", "/readyz", "--request-timeout=2s") == "ok"
        except AssertionError:
            return False


def free_ports(count: int = 6) -> int:
    """The first of so many ports of the loopback that nobody listens on."""
    for first in range(21000, 30000, count):
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise AssertionError("no ports are free")


def eventually(true: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Wait until it is true. Raises AssertionError."""
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, true
        time.sleep(0.2)


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def traces(name: str) -> dict[str, list[str]]:
    """Everything on the machine that carries the name of a stack's objects, by kind."""
    commands = {"links": "ip -o link", "namespaces": "ip netns list", "routes": "ip route show table all"}
    texts = {kind: subprocess.check_output(command.split(), text=True) for kind, command in commands.items()}
    texts["mounts"] = Path("/proc/self/mounts").read_text()
    texts["control groups"] = "\n".join(map(str, Path("/sys/fs/cgroup").glob(f"*/{name}")))
    texts["control groups"] += "\n".join(map(str, Path("/sys/fs/cgroup").glob(name)))
    found = {kind: [line for line in text.splitlines() if name in line] for kind, text in texts.items()}
    found["processes"] = [_command(pid).decode() for pid in _all() if f"/{name}".encode() in _groups(pid)]
    return {kind: lines for kind, lines in found.items() if lines}


def busybox() -> Path:
    """The program of the pods: statically linked, it needs nothing else in its image."""
    path = shutil.which("busybox")
    assert path, "apt-get install busybox-static"
    return Path(path)


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) != 0


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _read(pid: int, file: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes()
    except OSError:  # it has ended
        return b""


def _command(pid: int) -> bytes:
    return _read(pid, "cmdline")


def _groups(pid: int) -> bytes:
    return _read(pid, "cgroup")


def _status(pid: int, field: str) -> list[str]:
    lines = _read(pid, "status").decode().splitlines()
    return next((line.split()[1:] for line in lines if line.startswith(f"{field}:")), [])


def _numbers(pid: int) -> list[str]:
    """The process id in each namespace, ours first."""
    return _status(pid, "NSpid")


def _parent(pid: int) -> int:
    return int((_status(pid, "PPid") or ["0"])[0])


def _writes_to(pid: int, log: Path) -> bool:
    try:
        return os.path.samestat(os.stat(f"/proc/{pid}/fd/1"), log.stat())
    except OSError:
        return False
