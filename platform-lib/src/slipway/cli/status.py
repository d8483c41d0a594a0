"""``slipway status``: how each model stands in each environment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from slipway.cli.options import Json, PlatformFile

if TYPE_CHECKING:
    from rich.console import RenderableType

    from slipway.canary.history import Chosen
    from slipway.status.standing import Status
    from slipway.status.watch import Looker

_INTERRUPTED = 130


def status(
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="A model's name; by default all.", show_default=False)
    ] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", "-e", metavar="ENVIRONMENT", help="Only this one.")
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option(
            "--remote", help="The Git remote whose main is read: by default `platform`, or the Git of --platform."
        ),
    ] = None,
    platform: PlatformFile = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look every 2 s until the roll-outs under way are over.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page of it, with the history of roll-outs.")
    ] = None,
    json: Json = False,
) -> None:
    """Show champion, challenger, weight, step, verdict so far and health of each model in each environment.

    Git says what is to run, and is asked first. A platform's Prometheus, cluster and Argo CD say how it goes; who
    cannot be asked is named, with the reason, and the rest is shown.

    Exit codes: 0 shown; 2 there is no such model, environment or remote; 3 the remote is away. With --watch: 0 when
    each roll-out that was seen has made its release the champion, 1 when one has not, 130 when you interrupt it. Where
    no roll-out is under way it waits for one. Later absences of the remote are shown and waited for.

    Examples:

      slipway status

      slipway status flight_delay --environment production --json

      slipway status --watch

      slipway status --html status.html
    """
    from slipway.canary.history import Chosen
    from slipway.status.watch import Watched, statuses

    looker = _looker(Chosen(model, environment), remote, platform)
    if not watch:
        now = datetime.now(UTC)
        found = looker.look(now)
        _print(found, now, json)
        _write(found, now, html)
        return
    watched = Watched()
    try:
        _follow(statuses(looker, watched), html, json)
    except KeyboardInterrupt:
        raise typer.Exit(_INTERRUPTED) from None
    watched.judge()


def _looker(chosen: Chosen, remote: str | None, record: Path | None) -> Looker:
    """Who looks; without a platform, at Git alone."""
    from slipway import project
    from slipway.adapters.git import Remote
    from slipway.errors import EnvironmentFault
    from slipway.promotion import platform as platforms
    from slipway.status.outlook import Outlook
    from slipway.status.watch import Looker

    try:
        found, why = platforms.read(record), ""
    except EnvironmentFault as error:
        if record is not None:
            raise
        found, why = None, f"{error.what} {error.remedy}"
    # The Git of the platform that was named, and not of another one.
    own = found.git if record is not None and found is not None else "platform"
    return Looker(Remote(project.root(), remote or own), chosen, Outlook(found, why), remote or own)


def _print(found: Status, now: datetime, json: bool) -> None:
    from rich.console import Console

    from slipway.files import canonical_json
    from slipway.status import machine, terminal

    if json:
        sys.stdout.write(canonical_json(machine.as_json(found)).decode())
    else:
        console = Console(highlight=False)
        console.print(terminal.shown(found, now, console.width))


def _write(found: Status, now: datetime, html: Path | None) -> None:
    from slipway.status import page

    if html is not None:
        page.write(found, now, html)


def _follow(looks: Iterator[Status], html: Path | None, json: bool) -> None:
    """Redraw on a terminal, and leave the last look there; elsewhere print what has changed, JSON on one line each."""
    from rich.console import Console
    from rich.live import Live

    from slipway.status import machine, terminal

    console = Console(highlight=False)
    screen = Live(console=console, screen=True, auto_refresh=False) if console.is_terminal and not json else None
    told: dict[str, Any] | None = None
    shown: RenderableType = ""
    try:
        with screen or nullcontext():
            for found in looks:
                now, content = datetime.now(UTC), machine.as_json(found)
                shown = terminal.shown(found, now, console.width)
                if screen is not None:
                    screen.update(shown, refresh=True)
                elif content != told:
                    print(dumps(content, sort_keys=True, ensure_ascii=False), flush=True) if json else console.print(
                        shown
                    )
                if content != told:
                    _write(found, now, html)
                told = content
    finally:
        if screen is not None:
            console.print(shown)
