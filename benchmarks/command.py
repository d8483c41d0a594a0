"""What the benchmarks' commands have in common: a word about a busy machine, and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import typer
from rich.markup import escape

from slipway.errors import SlipwayError
from slipway.progress import console

_BUSY_SHARE = 0.5


def machine() -> dict[str, float]:
    """Cores and load average of this machine; says so when it is busy."""
    cores, load = os.cpu_count() or 1, os.getloadavg()[0]
    if load > _BUSY_SHARE * cores:
        console.print(f"[yellow]The machine is busy (load {load:.1f} on {cores} cores): expect noise.[/yellow]")
    return {"cores": cores, "load": load}


def run(main: Callable[..., None]) -> None:
    """Run a command; exit codes are 0 it ran, 2 wrong usage, 3 it could not run."""
    try:
        typer.run(main)
    except SlipwayError as error:
        console.print(f"[red]benchmarks: {escape(error.what)}[/red] {escape(error.remedy)}", soft_wrap=True)
        sys.exit(error.exit_code)
    except OSError as error:
        console.print(f"[red]benchmarks: the machine lacks something: {escape(str(error))}[/red]", soft_wrap=True)
        sys.exit(3)
