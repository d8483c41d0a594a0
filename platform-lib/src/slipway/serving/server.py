"""Starting, announcing and stopping a model server."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from slipway import progress, release
from slipway.errors import EnvironmentFault
from slipway.serving.app import App
from slipway.serving.scoring import Scorer
from slipway.serving.settings import Settings

log = logging.getLogger("slipway.serving")


def serve(folder: Path, settings: Settings) -> NoReturn:
    """Serve the release in ``folder`` until SIGTERM or SIGINT, then finish what is under way and exit with 0.

    Raises:
        ReleaseBroken: when the release does not verify; nothing was served.
        EnvironmentFault: when the address cannot be listened on.
    """
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    _check_address(settings)
    with progress.step("verifying the release and warming the model"):
        scorer = Scorer(release.load(folder))
        app = App(scorer, settings)
        scorer.warm()
    asyncio.run(_run(app, scorer, settings))


def _check_address(settings: Settings) -> None:
    """Bind once and let go: granian shares a port that another server listens on, without a word."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise EnvironmentFault(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror or error}.",
            "Stop what listens there, or choose another --host or --port.",
        ) from error


async def _run(app: App, scorer: Scorer, settings: Settings) -> NoReturn:
    server = Server(
        app, settings.host, settings.port,
        interface=Interfaces.RSGI, http=HTTPModes.http1, websockets=False, log_level=LogLevels.error,
    )  # fmt: skip
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    serving = asyncio.create_task(server.serve())
    opening = asyncio.create_task(_open(app, scorer, settings))
    await asyncio.wait({serving, asyncio.create_task(stopping.wait())}, return_when=asyncio.FIRST_COMPLETED)
    opening.cancel()
    if serving.done():
        serving.result()
        raise EnvironmentFault("The HTTP server ended by itself.", "The log above says why.")
    await _drain(app, server, serving, settings)


async def _open(app: App, scorer: Scorer, settings: Settings) -> None:
    """Become ready, and say so, once the port answers."""
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(settings.host, settings.port)
            writer.close()
            break
        await asyncio.sleep(0.01)
    app.ready = True
    _announce(scorer, settings)


async def _drain(app: App, server: Server, serving: asyncio.Task[None], settings: Settings) -> NoReturn:
    """Close the door, wait for requests under way, and end the process even if one never does."""
    app.ready = False
    progress.console.print("  draining: no new connections, requests under way are finished")
    server.stop()  # type: ignore[no-untyped-call]
    done, _ = await asyncio.wait({serving}, timeout=settings.drain_seconds)
    if done:
        progress.console.print("  stopped")
    else:
        progress.console.print(f"  stopped with requests unfinished after {settings.drain_seconds:g} s")
    logging.shutdown()
    sys.stderr.flush()
    # Python's own way out would wait for a connection that never ends, and now and then aborts: granian's
    # threads may still be leaving while the interpreter is torn down under them.
    os._exit(0)


def _announce(scorer: Scorer, settings: Settings) -> None:
    served = scorer.release
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}"
    example = json.dumps({"jsonData": scorer.example}).replace("'", r"'\''")
    console = progress.console
    console.print(f"  serving [bold]{served.model}[/bold]  {served.digest}", soft_wrap=True)
    console.print(f"  at      {url}  (paths: {url}/openapi.json)", soft_wrap=True)
    console.print("  try     ", end="")
    console.print(
        f"curl -H 'Content-Type: application/json' {url}/api/v1.0/predictions -d '{example}'",
        soft_wrap=True, markup=False, emoji=False,
    )  # fmt: skip
