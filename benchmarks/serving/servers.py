"""Starting model servers on loopback, each in the environment and with the settings that it is measured with."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from slipway.errors import EnvironmentFault

MONOREPO = Path(__file__).resolve().parents[2]
ENVIRONMENTS = MONOREPO / "environments"
HOST = "127.0.0.1"
_START_SECONDS = 60.0
_STOP_SECONDS = 10.0
_POLL_SECONDS = 0.005
_TAIL_LINES = 15


@dataclass(frozen=True)
class Launch:
    """How a server is started.

    Attributes:
        name: which server, with its settings, for people.
        command: program and arguments.
        port: where it answers HTTP.
        ready: the path that answers 200 once it is ready.
        environment: variables beside the caller's.
    """

    name: str
    command: tuple[str, ...]
    port: int
    ready: str = "/v2/health/ready"
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def program(self) -> str:
        """Its name without settings."""
        return self.name.partition(",")[0]


class Running:
    """A server that has become ready.

    Attributes:
        launch: how it was started.
        process: its first process.
        ready_seconds: from the start of the process to the first 200 of its ready path.
    """

    def __init__(self, launch: Launch, process: subprocess.Popen[bytes], ready_seconds: float) -> None:
        self.launch = launch
        self.process = process
        self.ready_seconds = ready_seconds

    @property
    def url(self) -> str:
        return self.launch.url

    def largest_mib(self) -> float:
        """Resident memory of the largest process of its tree, shared pages included, in MiB: one worker's."""
        return float(max(process.memory_info().rss for process in self._tree())) / (1 << 20)

    def processor_seconds(self) -> float:
        """What its process tree has used of all cores so far."""
        times = [process.cpu_times() for process in self._tree()]
        return float(sum(time.user + time.system for time in times))

    def _tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]


@contextlib.contextmanager
def running(launch: Launch, folder: Path) -> Iterator[Running]:
    """Start a server in ``folder``, which also keeps its log; on leaving, end it and all its processes.

    Raises:
        EnvironmentFault: when it ends, or is not ready within a minute; with the last lines of its log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    with log.open("ab") as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            launch.command,
            cwd=folder,
            env=os.environ | dict(launch.environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not answers(launch.port, launch.ready):
            if process.poll() is not None or time.perf_counter() - start > _START_SECONDS:
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
                raise EnvironmentFault(
                    f"{launch.name} did not become ready:\n{tail}", "See that `make setup-stock` works."
                )
            time.sleep(_POLL_SECONDS)
        yield Running(launch, process, time.perf_counter() - start)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the server; then nothing of its session may be left (MLServer's workers at times never end)."""
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(port: int, path: str) -> bool:
    """Whether ``path`` answers 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def free_port() -> int:
    """A TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def slipway(release: Path, *options: str) -> Launch:
    """Ours, from the environment that the serving image installs."""
    port = free_port()
    program = str(ENVIRONMENTS / "serving/.venv/bin/slipway")
    return Launch("slipway serve", (program, "serve", str(release.resolve()), "--port", str(port), *options), port)


def empty(answers_file: Path) -> Launch:
    """The handler that reads a body and answers the bytes of ``answers_file`` (path to answer)."""
    port = free_port()
    return Launch(
        "empty handler", (sys.executable, str(Path(__file__).with_name("empty.py")), str(port), str(answers_file)), port
    )
