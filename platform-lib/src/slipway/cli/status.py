"""``slipway status``: how each model stands in each environment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.options import Json


def status(
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="A model's name; by default all.", show_default=False)
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", metavar="ENVIRONMENT", help="Only this one.")
    ] = None,
    remote: Annotated[str, typer.Option("--remote", help="The Git remote whose main the cluster runs.")] = "platform",
    json: Json = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page of it, with the history of roll-outs.")
    ] = None,
) -> None:
    """Show champion, challenger, weight, step, verdict so far and health of each model in each environment.

    Git says what is to run, and is asked first. A platform's Prometheus, cluster and Argo CD say how it goes; who
    cannot be asked is named, with the reason, and the rest is shown.

    Examples:

      slipway status

      slipway status flight_delay --environment production --json

      slipway status --html status.html
    """
    from datetime import UTC, datetime

    from rich.console import Console

    from slipway import project
    from slipway.adapters.git import Remote
    from slipway.files import canonical_json
    from slipway.status import machine, page, repository, terminal
    from slipway.status.standing import Status

    source = Remote(project.root(), remote)
    commit = repository.main(source)
    found = Status(remote, commit, repository.read(source, commit, repository.Asked(model, environment)))
    now = datetime.now(UTC)
    if html is not None:
        page.write(found, now, html)
    if json:
        sys.stdout.write(canonical_json(machine.as_json(found)).decode())
    else:
        Console(highlight=False).print(terminal.shown(found, now))
