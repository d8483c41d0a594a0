"""The command ``python -m benchmarks``; exit codes are 0 it ran, 2 wrong usage, 3 it could not run."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from benchmarks.figures import table
from benchmarks.suite import Benchmark, measure
from slipway import project
from slipway.errors import SlipwayError
from slipway.files import canonical_json
from slipway.progress import console

_BUSY_SHARE = 0.5

Only = Annotated[list[Benchmark] | None, typer.Option(metavar="NAME", help=f"{', '.join(Benchmark)}; may be repeated.")]
Repeat = Annotated[int, typer.Option(min=1, help="Repetitions of each measurement.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, for machines.")]


def main(only: Only = None, repeat: Repeat = 3, json: Json = False) -> None:
    """Measure what the platform costs, against peers in the same run, and print one table.

    Everything runs in a copy of the monorepo in a temporary folder. A verdict of "over" is a report, not a failure.

    Exit codes: 0 it ran, 2 wrong usage, 3 it could not run.

    Examples:

      python -m benchmarks

      python -m benchmarks --only noop --only packaging --repeat 5

      python -m benchmarks --json > benchmarks.json
    """
    project.enter()
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    if load > _BUSY_SHARE * cores:
        console.print(f"[yellow]The machine is busy (load {load:.1f} on {cores} cores): expect noise.[/yellow]")
    figures = measure(set(only or Benchmark), repeat)
    if json:
        found = {"cores": cores, "load": load, "figures": [figure.as_json() for figure in figures]}
        sys.stdout.write(canonical_json(found).decode())
    else:
        Console().print(table(figures))


if __name__ == "__main__":
    try:
        typer.run(main)
    except SlipwayError as error:
        console.print(f"[red]benchmarks: {escape(error.what)}[/red] {escape(error.remedy)}", soft_wrap=True)
        sys.exit(error.exit_code)
    except OSError as error:
        console.print(f"[red]benchmarks: the machine lacks something: {escape(str(error))}[/red]", soft_wrap=True)
        sys.exit(3)
