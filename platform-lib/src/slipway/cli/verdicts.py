"""``slipway verdicts``: what each gate said."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from slipway.cli.options import Json, Model

_SHORT = ("passed", "reason")


def verdicts(
    model: Model,
    json: Json = False,
    full: Annotated[
        bool, typer.Option("--full", help="Print JSON with figures, thresholds and subject of each, which is long.")
    ] = False,
) -> None:
    """Show the verdict of every gate on a model; exit 1 if one is red or missing.

    Examples:

      slipway verdicts flight_delay

      slipway verdicts flight_delay --json

      slipway verdicts flight_delay --full
    """
    from slipway import gates, project
    from slipway.files import canonical_json, read_json

    paths = project.paths(model)
    project.enter()
    found = {gate: read_json(paths.verdict(gate)) if paths.verdict(gate).is_file() else None for gate in gates.names()}
    if json or full:
        told = found if full else {gate: _short(verdict) for gate, verdict in found.items()}
        sys.stdout.write(canonical_json(told).decode())
    else:
        _table(found)
    if not all(verdict and verdict["passed"] is True for verdict in found.values()):
        raise typer.Exit(1)


def _short(verdict: dict[str, Any] | None) -> dict[str, Any] | None:
    return {key: verdict[key] for key in _SHORT} if verdict else None


def _table(found: dict[str, dict[str, object] | None]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("gate", "verdict", "reason", box=None, pad_edge=False)
    for gate, verdict in found.items():
        if verdict is None:
            table.add_row(gate, "[yellow]missing[/yellow]", "It has not been judged yet: run `dvc repro`.")
        else:
            colour = "[green]green[/green]" if verdict["passed"] is True else "[red]RED[/red]"
            table.add_row(gate, colour, escape(str(verdict["reason"])))
    Console().print(table)
