"""Starting model servers on loopback, each in the environment and with the settings that it is measured with.

Where the settings of the stock servers come from:

Seldon's wrapper (docs, "Seldon Python server configuration"): gunicorn takes GUNICORN_WORKERS processes of
GUNICORN_THREADS threads; GRPC_WORKERS=0 leaves gRPC out; debug, access log and tracing are off by default.

MLServer (docs, "Parallel inference", "Adaptive batching", settings reference): parallel_workers processes, or 0 to
answer in the server's own; max_batch_size and max_batch_time turn batching on; debug=false ends the access log.
"""

from __future__ import annotations

import contextlib
import http.client
import json
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
                raise EnvironmentFault(f"{launch.name} did not become ready:\n{tail}", "See that `make setup` works.")
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


def seldon(release: Path, workers: int = 2, threads: int = 8) -> Launch:
    """Seldon's wrapper around Slipway's model class."""
    port = free_port()
    parameters = [{"name": "release", "value": str(release.resolve()), "type": "STRING"}]
    return Launch(
        f"seldon-core-microservice, GUNICORN_WORKERS={workers} GUNICORN_THREADS={threads}",
        (
            str(ENVIRONMENTS / "seldon/.venv/bin/python"), str(ENVIRONMENTS / "seldon/loopback.py"),
            "slipway.adapters.seldon.SeldonRelease", "--service-type", "MODEL",
        ),
        port,
        "/health/status",
        {
            "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(port),
            "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(free_port()),
            "PREDICTIVE_UNIT_PARAMETERS": json.dumps(parameters),
            "GUNICORN_WORKERS": str(workers),
            "GUNICORN_THREADS": str(threads),
            "GRPC_WORKERS": "0",
            "SELDON_LOG_LEVEL": "WARNING",
        },
    )  # fmt: skip


def mlserver(release: Path, folder: Path, workers: int = 0, batch: int = 0, batch_seconds: float = 0.001) -> Launch:
    """MLServer around the same class; its settings are written to ``folder``, which must be its alone."""
    port = free_port()
    model, digest = release.parent.name, release.name
    folder.mkdir(parents=True)
    settings = {
        "debug": False, "host": HOST, "http_port": port, "grpc_port": free_port(), "metrics_port": free_port(),
        "parallel_workers": workers, "gzip_enabled": False,
    }  # fmt: skip
    runtime = {
        "name": model,
        "implementation": "slipway.adapters.mlserver.MLServerRelease",
        "parameters": {"uri": str(release.resolve()), "version": digest},
    }
    batching = {"max_batch_size": batch, "max_batch_time": batch_seconds} if batch else {}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(runtime | batching))
    name = f"mlserver, parallel_workers={workers} max_batch_size={batch}"
    program = str(ENVIRONMENTS / "mlserver/.venv/bin/mlserver")
    return Launch(name, (program, "start", str(folder)), port, f"/v2/models/{model}/ready")
