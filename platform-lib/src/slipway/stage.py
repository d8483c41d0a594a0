"""Running one stage of the pipeline: ``python pipelines/<stage>.py MODEL``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from rich.markup import escape

from slipway import project
from slipway.errors import OWN_FAULT, EnvironmentFault, SlipwayError
from slipway.progress import console


def run(stage: Callable[[str], None]) -> None:
    """Run ``stage`` on the model that the command line names, and exit with its outcome's code."""
    name = Path(sys.argv[0]).stem
    if len(sys.argv) != 2 or sys.argv[1] in ("-h", "--help"):
        console.print(f"usage: python pipelines/{name}.py MODEL\n\n{stage.__doc__}")
        sys.exit(0 if "-h" in sys.argv or "--help" in sys.argv else 2)
    model = sys.argv[1]
    console.print(f"[bold]{name}[/bold] {escape(model)}")
    start = time.perf_counter()
    try:
        project.enter()
        project.paths(model)
        stage(model)
    except SlipwayError as error:
        _stop(error)
    except OSError as error:
        _stop(EnvironmentFault(f"{error}.", "Run `dvc repro`, which makes what is missing, or mend what is named."))
    except Exception:
        console.print_exception()
        sys.exit(OWN_FAULT)
    console.print(f"[bold]{name}[/bold] {model} [dim]{time.perf_counter() - start:.1f} s[/dim]")


def _stop(error: SlipwayError) -> NoReturn:
    console.print(f"  [red]✗ {escape(error.what)}[/red] {escape(error.remedy)}", soft_wrap=True)
    sys.exit(error.exit_code)
