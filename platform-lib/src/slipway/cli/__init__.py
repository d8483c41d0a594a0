"""The command ``slipway``: one file per verb.

Each verb imports what it needs when it runs, so that ``slipway --help`` answers at once. Exit codes are those of
:mod:`slipway.errors`: 0 done, 1 a gate is red, 2 wrong usage, 3 the environment is at fault, 4 Slipway is.
"""

from __future__ import annotations

import sys

import typer
from rich.markup import escape

from slipway.cli.audit import audit
from slipway.cli.canary import canary
from slipway.cli.check import check
from slipway.cli.collect import collect
from slipway.cli.explain import explain
from slipway.cli.fetch import fetch
from slipway.cli.keygen import keygen
from slipway.cli.pack import pack
from slipway.cli.predict import predict
from slipway.cli.promote import promote
from slipway.cli.publish import publish
from slipway.cli.rebuild import rebuild
from slipway.cli.record import record
from slipway.cli.render import render
from slipway.cli.report import report
from slipway.cli.scan import scan
from slipway.cli.score import score
from slipway.cli.serve import serve
from slipway.cli.sign import sign
from slipway.cli.status import status
from slipway.cli.tamper import tamper
from slipway.cli.tune import tune
from slipway.cli.unpack import unpack
from slipway.cli.verdicts import verdicts
from slipway.cli.verify import verify
from slipway.errors import OWN_FAULT, SlipwayError
from slipway.progress import console

app = typer.Typer(
    name="slipway",
    help="ML delivery platform: from data to a served release, through gates that are always on.\n\n"
    "Exit codes: 0 done, 1 a gate is red, 2 wrong usage, 3 the environment is at fault, 4 Slipway is.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for verb in (
    verdicts, verify, keygen, sign, scan, tamper, rebuild, pack, unpack, audit, record, report, score, predict, explain,
    serve, collect, tune, publish, promote, check, canary, fetch, render,
    status,
):  # fmt: skip
    app.command()(verb)


def main() -> None:
    """Run the command line; a known error ends it with a sentence and an exit code, never a traceback."""
    try:
        app()
    except SlipwayError as error:
        console.print(f"[red]slipway: {escape(error.what)}[/red] {escape(error.remedy)}", soft_wrap=True)
        sys.exit(error.exit_code)
    except Exception:
        console.print_exception()
        sys.exit(OWN_FAULT)
