"""``slipway score``: the ML Test Score of a model."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from slipway.cli.options import Json, Model

if TYPE_CHECKING:
    from slipway.score.scoring import Judged, Score


def score(model: Model, json: Json = False) -> None:
    """Show the 28 tests of the ML Test Score, and run what earns each: named tests, and evidence of the release.

    No point is ever set by hand: a test that is gone, fails or is skipped, and a verdict that is missing or red, takes
    its row's points with it. The score is the least of the four sections.

    Examples:

      slipway score flight_delay

      slipway score flight_delay --json
    """
    from slipway import project
    from slipway.files import canonical_json
    from slipway.release.find import find
    from slipway.score import findings, scoring, testing

    paths = project.paths(model)
    folder = find(model).resolve()
    project.enter()
    ran = testing.run(scoring.named_tests(model))
    result = scoring.score(findings.read(paths, folder, ran), folder.name)
    if json:
        sys.stdout.write(canonical_json(result.as_json()).decode())
    else:
        _print(result)


def _print(result: Score) -> None:
    from rich.console import Console
    from rich.table import Table

    from slipway.score.rubric import SECTIONS

    console = Console(highlight=False)
    table = Table("points", "test", "earned by, or lacking", box=None, pad_edge=False, show_edge=False)
    for name, title in SECTIONS.items():
        table.add_row(f"[bold]{result.section(name):g}[/bold] of 7", f"[bold]{title}[/bold]", "")
        for entry in result.judged:
            if entry.row.section == name:
                table.add_row(_points(entry.points), f"{entry.row.id}  {entry.row.test}", _why(entry, result.model))
    console.print(table)
    console.print(f"\n[bold]{result.model} {result.release[:12]}: {result.final:g}[/bold], {result.reading}")
    console.print("The score is the least of the four sections (Breck et al., 2017).")


def _points(points: float) -> str:
    colour = {1.0: "green", 0.5: "yellow"}.get(points, "red")
    return f"[{colour}]{points:g}[/{colour}]"


def _why(entry: Judged, model: str) -> str:
    from rich.markup import escape

    earned = [f"{proof.name(model)}: {outcome.seen}" for proof, outcome in entry.proofs if outcome.holds]
    said = [*earned, *entry.lacking] if entry.points else entry.lacking
    return escape("\n".join(said))
