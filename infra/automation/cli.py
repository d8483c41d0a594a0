"""The command line of the platform. Progress goes to standard error; `--json` puts one document on standard output."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from infra.automation import operations, summary
from infra.automation.operations import Request
from infra.errors import PlatformError

app = typer.Typer(
    help="Bring a platform up and down: a cluster, a registry, and Argo CD.\n\n"
    "Example: python -m infra.automation up --stack local",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Stack = Annotated[str, typer.Option("--stack", help="The stack: infra/Pulumi.<stack>.yaml holds its settings.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document to standard output.")]
Settings = Annotated[
    Path | None,
    typer.Option("--settings", envvar="SLIPWAY_SETTINGS", help="Another settings file than the stack's own."),
]
Clone = Annotated[
    Path | None, typer.Option("--clone", help="The clone that gets the remote `platform`; default: this one.")
]

errors = Console(stderr=True)


@app.command()
def up(stack: Stack = "local", settings: Settings = None, clone: Clone = None, as_json: Json = False) -> None:
    """Bring the platform up. A second time changes nothing, and after a failure it goes on.

    Example: python -m infra.automation up --stack local
    """
    request = _request(stack, settings, clone)
    outcome = operations.up(request)
    _answer(as_json, {"changes": outcome.changes, **outcome.platform}, summary.after_up(request, outcome))


@app.command()
def preview(
    stack: Stack = "local",
    settings: Settings = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Look at what is really there: shows drift.")] = False,
    as_json: Json = False,
) -> None:
    """Show what `up` would change, and change nothing.

    Example: python -m infra.automation preview --stack local --refresh
    """
    outcome = operations.preview(_request(stack, settings), refresh=refresh)
    _answer(as_json, {"changes": outcome.changes, "changed": outcome.changed}, summary.after_preview(outcome))


@app.command()
def status(stack: Stack = "local", as_json: Json = False) -> None:
    """Show how the cluster is and what is served where.

    Example: python -m infra.automation status --stack local --json
    """
    answer = operations.status(_request(stack))
    _answer(as_json, answer, summary.of_status(answer))


@app.command()
def wait(stack: Stack = "local", as_json: Json = False) -> None:
    """Wait until Argo CD has applied everything and all of it is healthy.

    Example: python -m infra.automation wait --stack local
    """
    found = operations.wait(_request(stack))
    _answer(as_json, found, f"All {len(found)} applications are Synced and Healthy.")


@app.command()
def down(
    stack: Stack = "local",
    keep_state: Annotated[bool, typer.Option("--keep-state", help="Keep the stack's folder for a look at it.")] = False,
    clone: Clone = None,
    as_json: Json = False,
) -> None:
    """Remove the platform with its data. Works after a crash or a half-finished `up` too.

    Example: python -m infra.automation down --stack local
    """
    outcome = operations.down(_request(stack, None, clone), keep_state=keep_state)
    _answer(as_json, {"stack": stack, "changes": outcome.changes}, f"The platform {stack} is down.")


@app.command()
def stop(stack: Stack = "local", as_json: Json = False) -> None:
    """Stop the cluster and keep its data.

    Example: python -m infra.automation stop --stack local
    """
    operations.stop(_request(stack))
    told = f"The platform {stack} is stopped. Go on with `make platform-start STACK={stack}`."
    _answer(as_json, {"stack": stack, "cluster": "stopped"}, told)


@app.command()
def start(stack: Stack = "local", as_json: Json = False) -> None:
    """Go on after `stop`.

    Example: python -m infra.automation start --stack local
    """
    operations.start(_request(stack))
    _answer(as_json, {"stack": stack, "cluster": "running"}, f"The platform {stack} runs again.")


@app.command()
def environment(stack: Stack = "local", as_json: Json = False) -> None:
    """Print the variables with which plain `pulumi` sees this stack.

    Example: eval "$(python -m infra.automation environment --stack local)" && pulumi -C infra stack history
    """
    found = operations.variables(_request(stack))
    _answer(as_json, found, "\n".join(f"export {name}={shlex.quote(value)}" for name, value in found.items()))


def _request(stack: str, settings: Path | None = None, clone: Path | None = None) -> Request:
    return Request(stack, errors, settings, clone) if clone else Request(stack, errors, settings)


def _answer(as_json: bool, document: dict[str, Any], text: str) -> None:
    typer.echo(json.dumps(document, indent=2) if as_json else text)


def main() -> None:
    """Run the command line; an error is told in two lines, with its exit code."""
    try:
        app()
    except KeyboardInterrupt:
        typer.echo("Interrupted. Run the same again to go on, or take the platform down.", err=True)
        sys.exit(130)
    except PlatformError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
