"""``slipway explain``: why one request is answered as it is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from slipway.cli.options import Json, ReleaseName

if TYPE_CHECKING:
    from slipway.explain import Question
    from slipway.release import Release


def explain(
    release: ReleaseName,
    request: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A request: V2, Seldon v1, or a JSON object of field to value; - is standard input. By default the "
            "release's own example.",
        ),
    ] = None,
    id: Annotated[str | None, typer.Option(metavar="ID", help="A request of the log instead, by its id.")] = None,
    log: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where `slipway collect` has put the request log.")
    ] = None,
    row: Annotated[int, typer.Option(min=0, help="Which row of a request of several.")] = 0,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page that works offline, too.")] = None,
    json: Json = False,
) -> None:
    """Walk one request through rules, features, trees and contributions to the decision.

    It needs the release and the request, and no other data. The score is the served one, to the last bit. Exit 2 for a
    request that breaks rules, naming every one.

    Examples:

      slipway explain flight_delay

      slipway explain flight_delay --request request.json --html why.html

      slipway explain flight_delay --id flight-1 --log collected --json
    """
    from rich.console import Console

    from slipway import explain as explaining
    from slipway.explain import machine, terminal
    from slipway.files import canonical_json
    from slipway.release import load
    from slipway.release.find import find

    loaded = load(find(release))
    console = Console()
    try:
        found = explaining.explain(loaded, _question(loaded, request, id, log, row))
    except explaining.RequestRefused as refused:
        if json:
            sys.stdout.write(canonical_json(machine.refusal(refused, loaded)).decode())
        else:
            terminal.show_refusal(refused, console)
        raise
    if html is not None:
        from slipway.explain import page

        page.write(found, html)
    if json:
        sys.stdout.write(canonical_json(machine.as_json(found)).decode())
    else:
        terminal.show(found, console)


def _question(release: Release, request: str | None, identity: str | None, log: Path | None, row: int) -> Question:
    from slipway.errors import EnvironmentFault, UsageError
    from slipway.explain import question

    if (identity is None) != (log is None):
        raise UsageError("--id and --log belong together.", "Give both, or neither.")
    if log is not None and identity is not None:
        if request is not None:
            raise UsageError("--request and --id name two requests.", "Give one of them.")
        return question.from_log(log, identity, release, row)
    if request is None:
        if row:
            raise UsageError(f"There is no row {row}: the example has one row.", "Name a request with --request.")
        return question.example(release)
    if request == "-":
        return question.from_body(sys.stdin.buffer.read(), "standard input", release, row)
    try:
        body = Path(request).read_bytes()
    except OSError as error:
        raise EnvironmentFault(
            f"{request} cannot be read: {error.strerror}.", "Name a file that holds a request."
        ) from error
    return question.from_body(body, request, release, row)
