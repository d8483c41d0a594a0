"""``slipway collect``: the request log, from NATS JetStream into Parquet."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.options import Json, NatsCa, NatsCredentials


def collect(
    nats: Annotated[str, typer.Option("--nats", metavar="URL", help="A NATS server; several with commas.")],
    to: Annotated[Path, typer.Option("--to", metavar="FOLDER", help="Where the Parquet files go.")],
    nats_creds: NatsCredentials = None,
    nats_ca: NatsCa = None,
    follow: Annotated[
        bool, typer.Option("--follow/--once", help="Go on until SIGTERM or Ctrl-C, or end when nothing is left.")
    ] = False,
    stream: Annotated[str, typer.Option(help="The JetStream stream.")] = "slipway-requests",
    consumer: Annotated[
        str, typer.Option(help="The durable consumer; each folder needs one of its own.")
    ] = "slipway-collect",
    label_minutes: Annotated[
        float, typer.Option(min=0.1, help="With --follow, how often true labels are joined to the answers.")
    ] = 60.0,
    json: Json = False,
) -> None:
    """Collect answers and feedback into FOLDER, each once, and join the true labels to the answers.

    It can be killed at any time and goes on where it was. What it cannot read goes to FOLDER/dead_letters with the
    reason. At the end it prints what it collected and how the labels were joined.

    Examples:

      slipway collect --nats nats://127.0.0.1:4222 --to collected

      slipway collect --nats nats://127.0.0.1:4222 --to collected --follow --label-minutes 10

      slipway collect --nats tls://nats:4222 --nats-ca ca.pem --nats-creds collector.creds --to collected
    """
    from dataclasses import asdict

    from slipway.files import canonical_json
    from slipway.request_log.collector import Source
    from slipway.request_log.collector import run as run_collector

    source = Source(
        servers=tuple(nats.split(",")), stream=stream, consumer=consumer, credentials=nats_creds, ca_file=nats_ca
    )
    counts, labels = run_collector(source, to, label_minutes * 60 if follow else None)
    if json:
        sys.stdout.write(canonical_json({"collected": asdict(counts), "labels": labels}).decode())
        return
    print(", ".join(f"{count} {name.replace('_', ' ')}" for name, count in asdict(counts).items()))
    print("labels: " + ", ".join(f"{count} {name}" for name, count in labels.items()))
