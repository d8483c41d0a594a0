"""``slipway report``: everything about a release on one page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.options import Json, Model


def report(
    model: Model,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; by default report/MODEL.html.")
    ] = None,
    json: Json = False,
) -> None:
    """Write one self-contained HTML page about what the pipeline found: it works offline.

    Examples:

      slipway report flight_delay

      slipway report flight_delay --output /tmp/page.html
    """
    from slipway import project
    from slipway.files import canonical_json
    from slipway.progress import console
    from slipway.report import write

    paths = project.paths(model)
    target = (output or project.root() / "report" / f"{model}.html").absolute()
    project.enter()
    write(paths, target)
    if json:
        sys.stdout.write(canonical_json({"model": model, "report": str(target)}).decode())
    else:
        console.print(f"  {target}")
