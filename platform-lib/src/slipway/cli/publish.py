"""``slipway publish``: a release as an image in the platform's registry."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from slipway.cli.options import Json, Model, PlatformFile


def publish(
    model: Model,
    release: Annotated[
        str | None,
        typer.Argument(
            metavar="[RELEASE]", help="A release's folder or 8 digits of its digest; by default the only one."
        ),
    ] = None,
    base: Annotated[
        str, typer.Option("--base", help="The server's image in the registry, as NAME:TAG or NAME@sha256:...")
    ] = "slipway-server:latest",
    platform: PlatformFile = None,
    json: Json = False,
) -> None:
    """Publish a release as an image: the server's image and one layer, pushed to the platform's registry.

    Verifies the release first, and with the keys of gitops/keys, if there are any, who signed it. Equal inputs give an
    equal digest; publishing twice changes nothing. Prints the image by its digest and tags the model version in MLflow.

    Examples:

      slipway publish flight_delay

      slipway publish flight_delay 3f9a0c42 --base slipway-server@sha256:... --json
    """
    from slipway import project
    from slipway.adapters import tracking
    from slipway.files import canonical_json
    from slipway.progress import console
    from slipway.promotion import platform as platforms
    from slipway.promotion.publish import publish as push
    from slipway.release.find import find

    project.paths(model)
    where, folder = platforms.read(platform), find(release or model).resolve()
    project.enter()
    done = push(folder, model, where, base)
    version = tracking.tag(model, done.release, "image", done.reference)
    if version is None:
        console.print(f"  not recorded in MLflow; `slipway record {model}` does that, then publish again")
    if json:
        sys.stdout.write(canonical_json({**asdict(done), "mlflow_version": version}).decode())
    else:
        if done.already:
            console.print("  it was published already")
        print(done.reference)
