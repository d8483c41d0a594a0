"""The command ``python -m benchmarks``; exit codes are 0 it ran, 2 wrong usage, 3 it could not run."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.command import machine, run
from benchmarks.figures import table
from benchmarks.suite import Benchmark, measure
from slipway import project
from slipway.files import canonical_json

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
    about = machine()
    figures = measure(set(only or Benchmark), repeat)
    if json:
        found = {**about, "figures": [figure.as_json() for figure in figures]}
        sys.stdout.write(canonical_json(found).decode())
    else:
        Console().print(table(figures))


if __name__ == "__main__":
    run(main)
