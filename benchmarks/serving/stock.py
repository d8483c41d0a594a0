"""How the stock servers are started, each with a model to run and the settings that their documentation offers.

Seldon's wrapper (docs, "Seldon Python server configuration"): gunicorn takes GUNICORN_WORKERS processes of
GUNICORN_THREADS threads; GRPC_WORKERS=0 leaves gRPC out; debug, access log and tracing are off by default.

MLServer (docs, "Parallel inference", "Adaptive batching", settings reference): parallel_workers processes, or 0 to
answer in the server's own; max_batch_size and max_batch_time turn batching on; debug=false ends the access log.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.servers import ENVIRONMENTS, HOST, MONOREPO, Launch, free_port

_BATCH_SECONDS = 0.001
# LightGBM's Python package would share one row out to all cores, which costs it more than the row.
_ENVIRONMENT = {"PYTHONPATH": str(MONOREPO), "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Model:
    """What a stock server runs.

    Attributes:
        implementation: the class, by its full name.
        artifact: the release or the file that it loads.
        name: of the model.
        version: its version, or empty.
        parameter: by which Seldon's wrapper tells the class the artifact.
    """

    implementation: str
    artifact: Path
    name: str
    version: str = ""
    parameter: str = "release"


def slipway_in_seldon(release: Path) -> Model:
    """Slipway's model class, for the wrapper."""
    return Model("slipway.adapters.seldon.SeldonRelease", release.resolve(), release.parent.name, release.name)


def slipway_in_mlserver(release: Path) -> Model:
    """The same class, for MLServer."""
    return Model("slipway.adapters.mlserver.MLServerRelease", release.resolve(), release.parent.name, release.name)


def seldon(model: Model, workers: int = 2, threads: int = 8) -> Launch:
    """Seldon's wrapper around ``model``."""
    port = free_port()
    parameters = [{"name": model.parameter, "value": str(model.artifact), "type": "STRING"}]
    return Launch(
        f"seldon-core-microservice, GUNICORN_WORKERS={workers} GUNICORN_THREADS={threads}",
        (
            str(ENVIRONMENTS / "seldon/.venv/bin/python"), str(ENVIRONMENTS / "seldon/loopback.py"),
            model.implementation, "--service-type", "MODEL",
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
        }
        | _ENVIRONMENT,
    )  # fmt: skip


def mlserver(model: Model, folder: Path, workers: int = 0, batch: int = 0) -> Launch:
    """MLServer around ``model``; its settings are written to ``folder``, which must be its alone."""
    port = free_port()
    folder.mkdir(parents=True)
    settings = {
        "debug": False, "host": HOST, "http_port": port, "grpc_port": free_port(), "metrics_port": free_port(),
        "parallel_workers": workers, "gzip_enabled": False,
    }  # fmt: skip
    parameters = {"uri": str(model.artifact)} | ({"version": model.version} if model.version else {})
    runtime = {"name": model.name, "implementation": model.implementation, "parameters": parameters}
    batching = {"max_batch_size": batch, "max_batch_time": _BATCH_SECONDS} if batch else {}
    (folder / "settings.json").write_text(json.dumps(settings))
    (folder / "model-settings.json").write_text(json.dumps(runtime | batching))
    name = f"mlserver, parallel_workers={workers} max_batch_size={batch}"
    program = str(ENVIRONMENTS / "mlserver/.venv/bin/mlserver")
    return Launch(name, (program, "start", str(folder)), port, f"/v2/models/{model.name}/ready", _ENVIRONMENT)
