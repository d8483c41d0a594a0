"""``slipway serve``: answer requests with one release."""

from __future__ import annotations

from typing import Annotated

import typer


def serve(
    release: Annotated[
        str,
        typer.Argument(
            metavar="RELEASE",
            help="A release's folder, a model's name (its only release), or at least 8 digits of a digest.",
        ),
    ],
    host: Annotated[str, typer.Option(help="Address to listen on. 0.0.0.0 opens it to the network.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="TCP port.")] = 8080,
    max_body_mib: Annotated[
        float, typer.Option(min=0.001, max=1024, help="Longest request body in MiB; longer ones get 413.")
    ] = 1.0,
    drain_seconds: Annotated[
        float, typer.Option(min=0, help="After SIGTERM, seconds that requests under way may still take.")
    ] = 20.0,
) -> None:
    """Serve a verified release over the Open Inference Protocol V2 and Seldon's v1 protocol.

    Refuses (exit 3) a release that does not verify. Prints the model, its digest and a curl command that works.
    Ends on SIGTERM or Ctrl-C, after the requests under way.

    Examples:

      slipway serve flight_delay

      slipway serve 3f9a0c42 --port 9000

      slipway serve releases/flight_delay/3f9a0c42...  --host 0.0.0.0
    """
    from slipway.release.find import find
    from slipway.serving.server import serve as run
    from slipway.serving.settings import Settings

    run(find(release), Settings(host, port, max_body_bytes=int(max_body_mib * 2**20), drain_seconds=drain_seconds))
