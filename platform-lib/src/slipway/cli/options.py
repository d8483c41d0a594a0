"""Arguments and options that several verbs share."""

from __future__ import annotations

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
