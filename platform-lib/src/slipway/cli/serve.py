"""``slipway serve``: answer requests with one release."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from slipway.cli.options import NatsCa, NatsCredentials, PublicKey, ReleaseName, Signature


def serve(
    release: ReleaseName,
    host: Annotated[str, typer.Option(help="Address to listen on. 0.0.0.0 opens it to the network.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=1, max=65535, envvar="PREDICTIVE_UNIT_HTTP_SERVICE_PORT", help="TCP port.")
    ] = 8080,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=65535,
            envvar="PREDICTIVE_UNIT_METRICS_SERVICE_PORT",
            help="A second TCP port for the metrics; /metrics on the first one answers anyway.",
        ),
    ] = None,
    grpc_port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="A TCP port for Open Inference V2 over gRPC; needs the extra grpc of slipway."
        ),
    ] = None,
    max_body_mib: Annotated[
        float, typer.Option(min=0.001, max=1024, help="Longest request body in MiB; longer ones get 413.")
    ] = 1.0,
    body_seconds: Annotated[
        float, typer.Option(min=0.1, help="Longest time that a body may take to arrive; later ones get 408.")
    ] = 30.0,
    drain_seconds: Annotated[
        float, typer.Option(min=0, help="After SIGTERM, seconds that requests under way may still take.")
    ] = 20.0,
    unready_seconds: Annotated[
        float,
        typer.Option(min=0, help="After SIGTERM, seconds to go on while readiness says 503, for balancers to notice."),
    ] = 0.0,
    log_format: Annotated[
        Literal["json", "console"] | None,
        typer.Option(help="How to log on standard error. Default: console in a terminal, json elsewhere."),
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            min=1,
            max=256,
            envvar="SLIPWAY_WORKERS",
            help="Processes that serve, each on a core of its own. In a cluster, rather more replicas of one.",
        ),
    ] = 1,
    key: PublicKey = None,
    signature: Signature = None,
    request_log: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            envvar="SLIPWAY_REQUEST_LOG",
            help="NATS server that takes a record of each answer; several with commas. Without it, none is kept.",
        ),
    ] = None,
    nats_creds: NatsCredentials = None,
    nats_ca: NatsCa = None,
    spool: Annotated[
        Path | None,
        typer.Option(
            envvar="SLIPWAY_SPOOL", help="Folder for records while NATS is away. Default: below $XDG_STATE_HOME."
        ),
    ] = None,
    spool_mib: Annotated[
        float, typer.Option(min=1, help="Most of the spool, in MiB; what overflows is counted.")
    ] = 1024,
    token_key: Annotated[
        Path | None,
        typer.Option(envvar="SLIPWAY_TOKEN_KEY", help="Secret for personal fields that are logged as tokens."),
    ] = None,
) -> None:
    """Serve a verified release over the Open Inference Protocol V2 and Seldon's v1 protocol.

    Refuses (exit 3) a release that does not verify or, with a key, that its owner did not sign. Says the model, its
    digest and a curl command that works. Ends on SIGTERM or Ctrl-C, after the requests under way. Under Seldon Core,
    ports and names come from the environment (PREDICTIVE_UNIT_HTTP_SERVICE_PORT, PREDICTOR_ID and the like).

    Examples:

      slipway serve flight_delay

      slipway serve 3f9a0c42 --port 9000

      slipway serve releases/flight_delay/3f9a0c42...  --host 0.0.0.0 --unready-seconds 5

      slipway serve flight_delay --key release.pem.pub --request-log nats://127.0.0.1:4222
    """
    from slipway import request_log as log
    from slipway.errors import OWN_FAULT, SlipwayError
    from slipway.release import trust
    from slipway.release.find import find
    from slipway.serving import logs
    from slipway.serving.deployment import Deployment
    from slipway.serving.server import serve as run
    from slipway.serving.settings import Settings

    records = None
    if request_log is not None:
        records = log.Settings(
            servers=tuple(request_log.split(",")),
            spool=spool or log.default_spool(),
            max_spool_bytes=int(spool_mib * 2**20),
            token_key_file=token_key,
            credentials=nats_creds,
            ca_file=nats_ca,
        )
    settings = Settings(
        host, port, metrics_port, grpc_port,
        max_body_bytes=int(max_body_mib * 2**20), body_seconds=body_seconds, drain_seconds=drain_seconds,
        unready_seconds=unready_seconds, log_format=log_format, deployment=Deployment.of(),
        workers=workers, request_log=records,
    )  # fmt: skip
    try:
        folder = find(release).resolve()
        run(folder, settings, trust.verify(folder, key, signature))
    except SlipwayError as error:
        if logs.taken(log_format) == logs.CONSOLE:
            raise
        logs.refusal(error, release)
        raise typer.Exit(error.exit_code) from None
    except Exception as error:
        if logs.taken(log_format) == logs.CONSOLE:
            raise
        logs.crash(error, release)
        raise typer.Exit(OWN_FAULT) from None
