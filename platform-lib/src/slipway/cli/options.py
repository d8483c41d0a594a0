"""Arguments and options that several verbs share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from slipway.errors import UsageError


def not_blank(parameter: typer.CallbackParam, value: Path | None) -> Path | None:
    """Refuse a variable that is set and empty: to the library below it is unset, and would switch a check off."""
    variable = str(parameter.envvar)
    if value is None and os.environ.get(variable) == "":
        raise UsageError(f"{variable} is set and empty.", "Give it a file's name, or unset it.")
    return value


Model = Annotated[str, typer.Argument(metavar="MODEL", help="A model's name: a folder below models/.")]
ReleaseName = Annotated[
    str,
    typer.Argument(
        metavar="RELEASE",
        help="A release's folder, a model's name (its only release), or at least 8 digits of a digest.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, for machines.")]
SigningKey = Annotated[
    Path | None,
    typer.Option(
        "--key",
        envvar="SLIPWAY_SIGNING_KEY",
        callback=not_blank,
        help="Private key (PEM), as from `slipway keygen`; by default the development key, made on first use.",
    ),
]
PublicKey = Annotated[
    Path | None,
    typer.Option(
        "--key",
        envvar="SLIPWAY_KEY",
        callback=not_blank,
        help="Public key (PEM) whose owner must have signed the release, or a folder of keys with a keys.yaml.",
    ),
]
Signature = Annotated[
    Path | None,
    typer.Option(
        "--signature",
        envvar="SLIPWAY_SIGNATURE",
        callback=not_blank,
        help="The release's signature; by default <folder>.sig beside the folder, or where `slipway sign` puts it.",
    ),
]
NatsCredentials = Annotated[
    Path | None,
    typer.Option(
        "--nats-creds",
        envvar="SLIPWAY_NATS_CREDS",
        callback=not_blank,
        help="A NATS user's .creds file, as `nsc` writes it; read anew at each connection.",
    ),
]
NatsCa = Annotated[
    Path | None,
    typer.Option(
        "--nats-ca",
        envvar="SLIPWAY_NATS_CA",
        callback=not_blank,
        help="PEM file of the authority of NATS's certificate; then, as with tls:// URLs, nothing goes without TLS.",
    ),
]
PlatformFile = Annotated[
    Path | None,
    typer.Option(
        "--platform",
        envvar="SLIPWAY_PLATFORM",
        callback=not_blank,
        help="A platform's record (platform.json), as `make platform-up` leaves it; by default that of stack local.",
    ),
]
