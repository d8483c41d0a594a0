"""Starting, announcing and stopping a model server."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any

import uvloop
from prometheus_client import start_http_server

from slipway import release
from slipway.errors import EnvironmentFault
from slipway.release import Release
from slipway.request_log import RequestLog, Served
from slipway.serving import logs
from slipway.serving.app import App
from slipway.serving.listener import Listener
from slipway.serving.metrics import Metrics
from slipway.serving.scoring import Scorer
from slipway.serving.settings import Settings
from slipway.serving.watch import Watch

log = logging.getLogger("slipway.serving")


def serve(folder: Path, settings: Settings) -> None:
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
    with _bind(settings.host, settings.port) as bound:
        loaded = release.load(folder)
        scorer = Scorer(loaded, _metrics(loaded, settings), _request_log(loaded, settings))
        scorer.warm()
        app = App(scorer, settings)
        _freeze()
        log.info("verified the release and warmed the model in %.1f s", time.perf_counter() - started)
        uvloop.run(_run(app, scorer, settings, log_format, bound))


def _metrics(loaded: Release, settings: Settings) -> Metrics:
    deployment = settings.deployment
    names = {"predictor": deployment.predictor, "unit": deployment.unit, "deployment": deployment.deployment}
    metrics = Metrics({"model": loaded.model, "digest": loaded.digest} | names)
    if settings.metrics_port is not None:
        _bind(settings.host, settings.metrics_port).close()
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


def _bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address, which nobody else may listen on."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with contextlib.ExitStack() as on_error:
            bound = on_error.enter_context(socket.socket(family, kind, protocol))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            on_error.pop_all()
            return bound
    except OSError as error:
        raise _not_ours(host, port, error) from error


def _not_ours(host: str, port: int, error: OSError) -> EnvironmentFault:
    return EnvironmentFault(
        f"Cannot listen on {host}:{port}: {error.strerror or error}.",
        "Stop what listens there, or choose another --host or --port.",
    )


async def _run(app: App, scorer: Scorer, settings: Settings, log_format: str, bound: socket.socket) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if scorer.log is not None:
        await scorer.log.start()
        app.metrics.log_counts = scorer.log.counts
    grpc_server = await _listen_for_grpc(app, scorer, settings)
    listener = Listener(app, settings)
    watching = asyncio.create_task(Watch(app, listener).run())
    try:
        await listener.open(bound)
    except OSError as error:  # another process has bound the same address since, and listens already
        raise _not_ours(settings.host, settings.port, error) from error
    app.ready = True
    _announce(scorer, settings, log_format)
    await stopping.wait()
    await _drain(app, listener, settings, scorer.log, grpc_server)
    watching.cancel()


async def _listen_for_grpc(app: App, scorer: Scorer, settings: Settings) -> Any:
    """The gRPC server, or None where none is asked for: importing grpcio takes time and memory."""
    if settings.grpc_port is None:
        return None
    try:
        from slipway.serving.grpc import start
    except ModuleNotFoundError as error:
        raise EnvironmentFault(f"gRPC needs the package {error.name}.", "Install slipway[grpc].") from error
    return await start(scorer, lambda: app.ready, settings.host, settings.grpc_port, settings.max_body_bytes)


async def _drain(
    app: App, listener: Listener, settings: Settings, answers: RequestLog | None, grpc_server: Any
) -> None:
    """Say not ready, close the door, and wait for requests under way, but not for ever."""
    app.ready, app.closing = False, True
    log.info("draining: not ready any more; requests under way are finished")
    await asyncio.sleep(settings.unready_seconds)
    stopping_grpc = None if grpc_server is None else asyncio.create_task(grpc_server.stop(settings.drain_seconds))
    if not await listener.close(settings.drain_seconds):
        log.warning("stopping with requests unfinished after %g s", settings.drain_seconds)
    if stopping_grpc is not None:
        await stopping_grpc
    if answers is not None:
        await answers.close(settings.drain_seconds)
    log.info("stopped")


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
