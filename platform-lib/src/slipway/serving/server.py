"""Starting, announcing and stopping a model server."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop
from prometheus_client import start_http_server

from slipway import release
from slipway.errors import EnvironmentFault, UsageError
from slipway.release import Release, manifest
from slipway.request_log import RequestLog, Served
from slipway.serving import logs
from slipway.serving.app import App
from slipway.serving.figures import Board
from slipway.serving.listener import Listener
from slipway.serving.metrics import Metrics
from slipway.serving.scoring import Scorer
from slipway.serving.settings import Settings
from slipway.serving.watch import Watch
from slipway.serving.workers import Place, Supervisor, listening_sockets

log = logging.getLogger("slipway.serving")

_READ_ON_SECONDS = 0.05


def serve(folder: Path, settings: Settings, verified: dict[str, Any] | None = None) -> None:
    """Serve the release in ``folder`` until SIGTERM or SIGINT, then finish what is under way.

    Args:
        folder: the release.
        settings: of the server.
        verified: its manifest, by someone who has just verified it.

    Raises:
        ReleaseBroken: when the release does not verify; nothing was served.
        EnvironmentFault: when the address cannot be listened on, or the request log lacks its key or its spool.
        SystemExit: when a worker cannot start; it has said why.
    """
    settings = replace(settings, log_format=logs.configure(settings.log_format, folder.resolve().name))
    if settings.workers > 1:
        _supervise(folder, settings, verified or manifest.verify(folder))
        return
    with _bind(settings.host, settings.port) as bound:
        loaded = release.load(folder, verified)
        run(loaded, settings, bound, lambda facts: _announce(facts, folder, settings))


def run(
    loaded: Release,
    settings: Settings,
    bound: socket.socket,
    announce: Callable[[dict[str, Any]], None],
    place: Place | None = None,
) -> None:
    """Be the one process that serves, or one of several.

    Args:
        loaded: the release.
        settings: see :func:`serve`.
        bound: the socket to listen on.
        announce: is told what is served and how to try it, once it is.
        place: among several; its standard input then ends with the parent.
    """
    started = time.perf_counter()
    board = Board(place.board, place.number) if place is not None else None
    metrics = _metrics(loaded.model, loaded.digest, settings, board)
    scorer = Scorer(loaded, metrics, _request_log(loaded, settings))
    scorer.warm()
    app = App(scorer, settings)
    _freeze()
    log.info("warmed the model in %.1f s", time.perf_counter() - started)
    uvloop.run(_run(app, scorer, settings, bound, announce))


def _supervise(folder: Path, settings: Settings, verified: dict[str, Any]) -> None:
    """Be the parent of the workers."""
    if settings.grpc_port is not None:
        raise UsageError("gRPC is served by a single worker.", "Leave out --workers, or --grpc-port.")
    shared = Path("/dev/shm")
    with ExitStack() as stack:
        board = Path(
            stack.enter_context(
                TemporaryDirectory(prefix="slipway-", dir=shared if os.access(shared, os.W_OK) else None)
            )
        )
        sockets = listening_sockets(partial(_bind, settings.host, settings.port), settings.workers)
        for bound in sockets:
            stack.enter_context(bound)
        _metrics(verified["model"], folder.resolve().name, settings, Board(board))
        supervisor = Supervisor(folder, replace(settings, metrics_port=None), sockets, board)
        code = asyncio.run(supervisor.run(lambda facts: _announce(facts, folder, settings)))
        log.info("stopped")
    if code:
        sys.exit(code)


def _metrics(model: str, digest: str, settings: Settings, board: Board | None) -> Metrics:
    deployment = settings.deployment
    names = {"predictor": deployment.predictor, "unit": deployment.unit, "deployment": deployment.deployment}
    metrics = Metrics({"model": model, "digest": digest} | names, board)
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


def _bind(host: str, port: int, shared: bool = False) -> socket.socket:
    """A socket bound to the address; unless it is shared, nobody else may listen on it."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with ExitStack() as on_error:
            bound = on_error.enter_context(socket.socket(family, kind, protocol))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT if shared else socket.SO_REUSEADDR, 1)
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


async def _run(
    app: App, scorer: Scorer, settings: Settings, bound: socket.socket, announce: Callable[[dict[str, Any]], None]
) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if app.metrics.board is not None:
        loop.add_reader(sys.stdin, stopping.set)  # it ends with the parent
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
    announce(_facts(scorer, settings))
    await stopping.wait()
    if app.metrics.board is not None:
        loop.remove_reader(sys.stdin)
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
    # Even without it: what has arrived before the signal may not have been read yet.
    await asyncio.sleep(max(settings.unready_seconds, _READ_ON_SECONDS))
    stopping_grpc = None if grpc_server is None else asyncio.create_task(grpc_server.stop(settings.drain_seconds))
    if not await listener.close(settings.drain_seconds):
        log.warning("stopping with requests unfinished after %g s", settings.drain_seconds)
    if stopping_grpc is not None:
        await stopping_grpc
    if answers is not None:
        await answers.close(settings.drain_seconds)
    log.info("stopped")


def _facts(scorer: Scorer, settings: Settings) -> dict[str, Any]:
    """What is served, where, and a command that tries it."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}"
    example = json.dumps({"jsonData": scorer.example}).replace("'", r"'\''")
    command = f"curl -H 'Content-Type: application/json' {url}/api/v1.0/predictions -d '{example}'"
    return {"model": scorer.release.model, "url": url, "try": command}


def _announce(facts: dict[str, Any], folder: Path, settings: Settings) -> None:
    if settings.log_format == logs.JSON:
        log.info("ready", extra=facts | {"pid": os.getpid()})
        return
    log.info("serving %s  %s", facts["model"], folder.resolve().name)
    log.info("at      %s  (paths: %s/openapi.json)", facts["url"], facts["url"])
    log.info("try     %s", facts["try"])
