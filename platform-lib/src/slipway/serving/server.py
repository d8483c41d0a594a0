"""Starting, announcing and stopping a model server."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import uvloop
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from prometheus_client import start_http_server

from slipway import release
from slipway.errors import EnvironmentFault
from slipway.release import Release
from slipway.request_log import RequestLog, Served
from slipway.serving import logs
from slipway.serving.app import App
from slipway.serving.metrics import Metrics
from slipway.serving.scoring import Scorer
from slipway.serving.settings import Settings
from slipway.serving.watch import Watch

log = logging.getLogger("slipway.serving")

_BACKLOG = 4096
_KEPT_DESCRIPTORS = 128


def serve(folder: Path, settings: Settings) -> NoReturn:
    """Serve the release in ``folder`` until SIGTERM or SIGINT, then finish what is under way and exit with 0.

    Args:
        folder: the release.
        settings: of the server.

    Raises:
        ReleaseBroken: when the release does not verify; nothing was served.
        EnvironmentFault: when the address cannot be listened on, or the request log lacks its key or its spool.
    """
    started = time.perf_counter()
    log_format = logs.configure(settings.log_format, folder.resolve().name)
    _check_address(settings.host, settings.port)
    loaded = release.load(folder)
    scorer = Scorer(loaded, _metrics(loaded, settings), _request_log(loaded, settings))
    scorer.warm()
    app = App(scorer, settings)
    _freeze()
    log.info("verified the release and warmed the model in %.1f s", time.perf_counter() - started)
    uvloop.run(_run(app, scorer, settings, log_format))


def _metrics(loaded: Release, settings: Settings) -> Metrics:
    deployment = settings.deployment
    names = {"predictor": deployment.predictor, "unit": deployment.unit, "deployment": deployment.deployment}
    metrics = Metrics({"model": loaded.model, "digest": loaded.digest} | names)
    if settings.metrics_port is not None:
        _check_address(settings.host, settings.metrics_port)
        start_http_server(settings.metrics_port, settings.host, metrics.registry)
    return metrics


def _request_log(loaded: Release, settings: Settings) -> RequestLog | None:
    if settings.request_log is None:
        return None
    by = settings.deployment
    served = Served(loaded.model, loaded.digest, by.predictor, by.deployment, tuple(loaded.fields))
    return RequestLog(settings.request_log, served)


def _freeze() -> None:
    """Take all that stands now out of the garbage collector's sight.

    A request leaves no cycles behind (a refused one leaves its traceback's), so young objects die by their reference
    counts: a collection finds next to nothing, and after this it also looks at next to nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _connections() -> int:
    """As many connections at once as descriptors allow; granian's own limit of 128 would shut out the probes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    return max(_KEPT_DESCRIPTORS, min(soft, 1 << 16) - _KEPT_DESCRIPTORS)


def _check_address(host: str, port: int) -> None:
    """Bind once and let go: granian shares a port that another server listens on, without a word."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise EnvironmentFault(
            f"Cannot listen on {host}:{port}: {error.strerror or error}.",
            "Stop what listens there, or choose another --host or --port.",
        ) from error


async def _run(app: App, scorer: Scorer, settings: Settings, log_format: str) -> NoReturn:
    server = Server(
        app, settings.host, settings.port,
        interface=Interfaces.RSGI, http=HTTPModes.http1, websockets=False, log_level=LogLevels.error,
        log_enabled=False, backlog=_BACKLOG, backpressure=_connections(),
    )  # fmt: skip
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if scorer.log is not None:
        await scorer.log.start()
        app.metrics.log_counts = scorer.log.counts
    grpc_server = await _listen_for_grpc(app, scorer, settings)
    serving = asyncio.create_task(server.serve())
    jobs = (_open(app, scorer, settings, log_format), Watch(app).run())
    opening, _watching = [asyncio.create_task(job) for job in jobs]
    await asyncio.wait({serving, asyncio.create_task(stopping.wait())}, return_when=asyncio.FIRST_COMPLETED)
    opening.cancel()
    if serving.done():
        serving.result()
        raise EnvironmentFault("The HTTP server ended by itself.", "The log above says why.")
    await _drain(app, server, serving, settings, scorer.log, grpc_server)


async def _listen_for_grpc(app: App, scorer: Scorer, settings: Settings) -> Any:
    """The gRPC server, or None where none is asked for: importing grpcio takes time and memory."""
    if settings.grpc_port is None:
        return None
    try:
        from slipway.serving.grpc import start
    except ModuleNotFoundError as error:
        raise EnvironmentFault(f"gRPC needs the package {error.name}.", "Install slipway[grpc].") from error
    return await start(scorer, lambda: app.ready, settings.host, settings.grpc_port, settings.max_body_bytes)


async def _open(app: App, scorer: Scorer, settings: Settings, log_format: str) -> None:
    """Become ready, and say so, once the port answers."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(settings.host, settings.port)
            writer.close()
            break
        await asyncio.sleep(0.01)
    app.ready = True
    _announce(scorer, settings, log_format)


async def _drain(
    app: App,
    server: Server,
    serving: asyncio.Task[None],
    settings: Settings,
    answers: RequestLog | None,
    grpc_server: Any,
) -> NoReturn:
    """Say not ready, close the door, wait for requests under way, and end the process even if one never does."""
    app.ready, app.closing = False, True
    log.info("draining: not ready any more; requests under way are finished")
    await asyncio.sleep(settings.unready_seconds)
    server.stop()  # type: ignore[no-untyped-call]
    ending: set[asyncio.Task[Any]] = {serving}
    if grpc_server is not None:
        ending.add(asyncio.create_task(grpc_server.stop(settings.drain_seconds)))
    _, unfinished = await asyncio.wait(ending, timeout=settings.drain_seconds)
    if unfinished:
        log.warning("stopping with requests unfinished after %g s", settings.drain_seconds)
    if answers is not None:
        await answers.close(settings.drain_seconds)
    log.info("stopped")
    logging.shutdown()
    sys.stderr.flush()
    # Python's own way out would wait for a connection that never ends, and now and then aborts: granian's
    # threads may still be leaving while the interpreter is torn down under them.
    os._exit(0)


def _announce(scorer: Scorer, settings: Settings, log_format: str) -> None:
    served = scorer.release
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}"
    example = json.dumps({"jsonData": scorer.example}).replace("'", r"'\''")
    command = f"curl -H 'Content-Type: application/json' {url}/api/v1.0/predictions -d '{example}'"
    facts = {"model": served.model, "url": url, "pid": os.getpid(), "try": command}
    if log_format == logs.JSON:
        log.info("ready", extra=facts)
        return
    log.info("serving %s  %s", served.model, served.digest)
    log.info("at      %s  (paths: %s/openapi.json)", url, url)
    log.info("try     %s", command)
