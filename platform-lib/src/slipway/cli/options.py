"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str, typer.Argument(metavar="MODEL", help="A model's name: a folder below models/.")]
ReleaseName = Annotated[
    str,
    typer.Argument(
        metavar="RELEASE",
        help="A release's folder, a model's name (its only release), or at least 8 digits of a digest.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, for machines.")]
PublicKey = Annotated[
    Path | None,
    typer.Option("--key", envvar="SLIPWAY_KEY", help="Public key (PEM) whose owner must have signed the release."),
]
Signature = Annotated[
    Path | None,
    typer.Option(
        "--signature",
        envvar="SLIPWAY_SIGNATURE",
        help="The release's signature; by default <folder>.sig beside the folder, or where `slipway sign` puts it.",
    ),
]
