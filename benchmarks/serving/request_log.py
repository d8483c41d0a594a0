"""A real nats-server with JetStream, for the request log of the server that is measured."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from benchmarks.serving import servers
from benchmarks.serving.servers import Launch


@contextlib.contextmanager
def options(folder: Path) -> Iterator[tuple[str, ...]]:
    """The options that make `slipway serve` log requests to a nats-server, which runs within the block."""
    port, monitoring = servers.free_port(), servers.free_port()
    command = ("nats-server", "--jetstream", "--store_dir", str(folder / "store"), "--addr", servers.HOST)
    ports = ("--port", str(port), "--http_port", str(monitoring))
    with servers.running(Launch("nats-server", command + ports, monitoring, "/healthz"), folder):
        yield ("--request-log", f"nats://{servers.HOST}:{port}", "--spool", str(folder / "spool"))
