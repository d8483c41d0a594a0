"""``slipway check``: may this pull request be merged?"""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from slipway.cli.options import Json, PlatformFile

if TYPE_CHECKING:
    from slipway.promotion.check import Report


def check(
    base: Annotated[str, typer.Option("--base", help="What the pull request would be merged into.")] = "main",
    head: Annotated[str, typer.Option("--head", help="The pull request's newest commit.")] = "HEAD",
    platform: PlatformFile = None,
    json: Json = False,
) -> None:
    """Hold a pull request against every rule of promotion; exit 1 if one is broken.

    Each model in each environment whose release.yaml the pull request changes is judged: that the release verifies as
    it is in the registry, that the environment before completed it, that nothing else is changed, and so on. Where only
    manifests change, those are. Keys, signers and freezes are those of the base, never of the pull request itself.

    Examples:

      slipway check --base main

      slipway check --base origin/main --head promote/staging/flight_delay/3f9a0c421b7d --json
    """
    from datetime import UTC, datetime

    from slipway import project
    from slipway.adapters.git import Remote
    from slipway.errors import GateRed
    from slipway.files import canonical_json
    from slipway.promotion import check as checks
    from slipway.promotion import platform as platforms

    project.enter()
    clone = Remote(project.root(), ".")
    report = checks.check(clone, base, head, lambda: platforms.read(platform), datetime.now(UTC))
    if json:
        facts = {**asdict(report), "passed": not report.red}
        sys.stdout.write(canonical_json(facts).decode())
    else:
        _print(report)
    if report.red:
        names = ", ".join(dict.fromkeys(ruling.rule for ruling in report.red))
        raise GateRed(f"The pull request breaks {names}.", "Each red rule says what to do.")


def _print(report: Report) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console()
    if not report.judged:
        paths = "path is" if report.changed == 1 else "paths are"
        print(
            f"No promotion: {report.changed} {paths} changed, and of each model that stays, release.yaml and the"
            " rendered manifests are as they were."
        )
    colours = {"green": "green", "RED": "red", "not judged": "yellow"}
    for judged in report.judged:
        what = ", ".join(release[:12] for release in judged.promotes) or "no new release"
        print(f"{judged.environment} {judged.model}: {what}")
        table = Table("rule", "verdict", "", box=None, pad_edge=False)
        for ruling in judged.rulings:
            colour = colours[ruling.verdict]
            said = f"{ruling.said} {ruling.remedy}".strip()
            table.add_row(ruling.rule, f"[{colour}]{ruling.verdict}[/{colour}]", escape(said))
        console.print(table)
