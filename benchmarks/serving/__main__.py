"""The command ``python -m benchmarks.serving``; exit codes are 0 it ran, 2 wrong usage, 3 it could not run."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.command import machine, run
from benchmarks.serving import request_log, servers
from benchmarks.serving.bounds import comparisons
from benchmarks.serving.comparisons import Comparison, table
from benchmarks.serving.peers import Peer, peers
from benchmarks.serving.servers import Launch
from benchmarks.serving.suite import ONE_WORKER, OURS, Found, Plan, measure
from slipway import project
from slipway.files import canonical_json
from slipway.release.find import find

QUICK = Plan(seconds=1, cold_starts=1, choose=False)

Release = Annotated[str | None, typer.Argument(help="As for `slipway serve`; by default the first model's release.")]
Quick = Annotated[bool, typer.Option("--quick", help="Short loads, and the stock servers as they were best before.")]
Rounds = Annotated[int, typer.Option(min=3, help="How often everything is measured.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output, for machines.")]


def main(release: Release = None, quick: Quick = False, rounds: Rounds = 3, json: Json = False) -> None:
    """Measure `slipway serve` against the stock servers and an empty handler, and print one table.

    All run at once on loopback and are loaded in turn. A verdict of "missed" is a report, not a failure.

    Exit codes: 0 it ran, 2 wrong usage, 3 it could not run.

    Examples:

      python -m benchmarks.serving

      python -m benchmarks.serving --quick

      python -m benchmarks.serving --rounds 5 --json > serving.json
    """
    project.enter()
    folder = find(release or project.model_names()[0]).resolve()
    about = machine()
    plan = QUICK if quick else Plan(rounds=rounds, cold_starts=rounds)
    with tempfile.TemporaryDirectory(prefix="slipway-serving-") as scratch:
        log = Path(scratch) / "request-log"
        with request_log.options(log) as options:
            held_against = peers(folder)
            found, launches = measure(held_against, _ours(folder, options), plan, Path(scratch))
    compared = list(comparisons(found, held_against))
    if json:
        sys.stdout.write(canonical_json(about | _as_json(folder, found, launches, compared)).decode())
    else:
        Console().print(table(compared))
        _explain(found, held_against, launches)


def _ours(release: Path, options: Sequence[str]) -> dict[str, Launch]:
    cores = len(os.sched_getaffinity(0))
    return {
        OURS: servers.slipway(release, *options, "--workers", str(cores)),
        ONE_WORKER: servers.slipway(release, *options),
    }


def _as_json(
    release: Path, found: Found, launches: Mapping[str, Launch], compared: Sequence[Comparison]
) -> dict[str, object]:
    return {
        "release": release.name,
        "servers": {server: launch.name for server, launch in launches.items()},
        "tried": found.tried,
        "broken_connections": found.broken(),
        "comparisons": [comparison.as_json() for comparison in compared],
    }


def _explain(found: Found, peers: Sequence[Peer], launches: Mapping[str, Launch]) -> None:
    """What the table cannot say: the settings of the peers, and what broke."""
    show = Console(highlight=False, soft_wrap=True).print
    for peer in peers:
        show(f"  {peer.name}: {launches[peer.name].name}")
        for name, rate in found.tried.get(peer.name, {}).items():
            show(f"    [dim]tried {name}: {rate:.0f}/s[/dim]")
    for server, count in found.broken().items():
        if count:
            show(f"  [yellow]{server}: {count} connections broke or timed out[/yellow]")


if __name__ == "__main__":
    # Leaving by an exception ends the servers too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run(main)
