"""``slipway predict``: score tables with one release."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from slipway.cli.options import Json, ReleaseName


def predict(
    release: ReleaseName,
    input: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...", help="Parquet files, folders of them (to any depth), or patterns in quotes."
        ),
    ],
    to: Annotated[
        Path, typer.Option(metavar="OUT", help="Folder to make, of Parquet files; it appears when all is done.")
    ],
    keep: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Columns of the input to carry into the output, with commas between; without it, file and row number.",
        ),
    ] = "",
    quarantine: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder to make for rows that break a rule, with reasons; without it they end the run.",
        ),
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="Threads to score with; 0 is one per core.")] = 0,
    json: Json = False,
) -> None:
    """Score every row of Parquet files, as the server would, with equal bits.

    Memory stays the same however large the input is. Run the same command again after an interruption (a kill, a
    full disk) and it goes on where it was. Rows are checked by the rules of a request; columns that the release does
    not know are passed over. Exit 2 when a row or a file cannot be scored, naming row, field and rule.

    Examples:

      slipway predict flight_delay flights.parquet --to scores

      slipway predict flight_delay 2013-*.parquet --to scores --keep carrier,flight,time_hour

      slipway predict 3f9a0c42 flights/ --to scores --quarantine refused --json
    """
    from slipway.batch import Job
    from slipway.batch import predict as run
    from slipway.files import canonical_json
    from slipway.progress import console
    from slipway.release import load
    from slipway.release.find import find

    kept = [name.strip() for name in keep.split(",") if name.strip()]
    job = Job(input, to, kept, quarantine, threads)
    summary = run(load(find(release)), job)
    if json:
        sys.stdout.write(canonical_json(summary.as_json()).decode())
        return
    note = " (all of it was done before)" if summary.resumed == summary.rows else ""
    console.print(f"  {summary.scored:,} rows scored to {summary.output}{note}", soft_wrap=True)
    if summary.quarantined:
        console.print(f"  {summary.quarantined:,} rows refused, with reasons in {summary.quarantine}", soft_wrap=True)
