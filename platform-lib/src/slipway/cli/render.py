"""``slipway render``: the manifests of every model in every environment."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from slipway.cli.options import Json


def render(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 if a file is not what would be written.")
    ] = False,
    json: Json = False,
) -> None:
    """Render gitops/envs/ into gitops/rendered/, which Argo CD applies: a folder for each environment and model.

    Nothing is rendered of a model that has no published release in an environment. Exit 2 if a file in gitops/envs/ is
    not what it must be.

    Examples:

      slipway render --json

      slipway render --check
    """
    from slipway import project
    from slipway.errors import GateRed
    from slipway.files import canonical_json
    from slipway.progress import console
    from slipway.rendering import render as rendering

    project.enter()
    strays = rendering.strays()
    differing = [file for each in rendering.every() for file in rendering.differences(*each)]
    if not check:
        for each in rendering.every():
            rendering.write(*each)
    if json:
        facts = {"differences": differing, "strays": strays, "written": not check}
        sys.stdout.write(canonical_json(facts).decode())
    else:
        for file in differing:
            console.print(f"  {'differs' if check else 'written'}: {file}", soft_wrap=True)
    if strays:
        raise GateRed(f"{', '.join(strays)} belongs to no environment and model.", "Remove it.")
    if check and differing:
        raise GateRed(f"{len(differing)} rendered files are not what gitops/envs/ says.", "Run `slipway render`.")
