"""The command line of the provider: `python -m infra.clusters.processes up|down|stop|start|status --stack NAME`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from infra.clusters.processes import lifecycle
from infra.clusters.processes.lifecycle import Cluster
from infra.clusters.processes.programs import Programs
from infra.errors import PlatformError
from infra.names import loopback_ports

OWN_FAULT = 4
console = Console(stderr=True, highlight=False)
app = typer.Typer(
    help="A real Kubernetes on this Linux machine, made of plain processes: no Docker, root needed.\n\n"
    "Exit codes: 0 done, 2 wrong usage, 3 the environment is at fault, 4 Slipway is.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
Stack = Annotated[str, typer.Option("--stack", help="Name of the stack; several run side by side.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer on standard output in JSON.")]
ProgramsFolder = Annotated[
    Path | None, typer.Option("--programs", help="Folder of etcd, kube-apiserver, ... (default: built from the pins).")
]
FirstPort = Annotated[int, typer.Option(help="First of six ports of 127.0.0.1, for the node ports from 30080 on.")]


@app.command(epilog="Example: python -m infra.clusters.processes up --stack local")
def up(stack: Stack, programs: ProgramsFolder = None, first_port: FirstPort = 8080, as_json: AsJson = False) -> None:
    """Make a cluster and wait until it is ready; one that is ready stays as it is."""
    found = Programs.in_folder(programs) if programs else Programs.built()
    _show(lifecycle.up(stack, found, loopback_ports(first_port), say=_say), as_json)


@app.command(epilog="Example: python -m infra.clusters.processes start --stack local")
def start(stack: Stack, as_json: AsJson = False) -> None:
    """Start a stopped cluster with the data that it had."""
    _show(lifecycle.start(stack, say=_say), as_json)


@app.command(epilog="Example: python -m infra.clusters.processes stop --stack local")
def stop(stack: Stack, as_json: AsJson = False) -> None:
    """End the processes of a cluster, and keep its data."""
    lifecycle.stop(stack, say=_say)
    _answer({"stack": stack, "condition": "stopped"}, f"{stack} is stopped; its data are kept.", as_json)


@app.command(epilog="Example: python -m infra.clusters.processes down --stack local")
def down(stack: Stack, as_json: AsJson = False) -> None:
    """Remove a cluster with its data; nothing of it is left on this machine."""
    lifecycle.down(stack, say=_say)
    left = lifecycle.leftovers(stack)
    if left:
        raise PlatformError(f"Something of {stack} is left: {', '.join(left)}.", "Try again in a moment.")
    _answer({"stack": stack, "condition": "absent"}, f"Nothing of {stack} is left.", as_json)


@app.command(epilog="Example: python -m infra.clusters.processes status --stack local --json")
def status(stack: Stack, as_json: AsJson = False) -> None:
    """Show whether the cluster runs, and each of its components."""
    found = lifecycle.status(stack)
    cluster = found.cluster.to_json() if found.cluster else None
    record = {"stack": stack, "condition": found.condition, "components": found.components, "cluster": cluster}
    lines = [f"{stack}: {found.condition}"]
    for name, component in found.components.items():
        running = "running" if component["running"] else "not running"
        lines.append(f"  {name:<24} {running}, {component['restarts']} restarts")
    _answer(record, "\n".join(lines), as_json)


def _show(cluster: Cluster, as_json: bool) -> None:
    text = (
        f"{cluster.stack} is ready. Try:\n"
        f"  export KUBECONFIG={cluster.kubeconfig}\n"
        "  kubectl get pods --all-namespaces\n"
        f"Push images to {cluster.registry_url}. "
        f"Node ports {min(cluster.ports.values())} to {max(cluster.ports.values())} are on 127.0.0.1, "
        f"ports {min(cluster.ports)} to {max(cluster.ports)}."
    )
    _answer(cluster.to_json(), text, as_json)


def _answer(record: object, text: str, as_json: bool) -> None:
    typer.echo(json.dumps(record, indent=2) if as_json else text)


def _say(text: str) -> None:
    console.print(f"  {text}", soft_wrap=True)


def main() -> None:
    """Run the command line; a known error ends it with a sentence and an exit code, never a traceback."""
    try:
        app()
    except PlatformError as error:
        console.print(f"{error.what}\n{error.remedy}", style="red", markup=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except Exception:
        console.print_exception()
        sys.exit(OWN_FAULT)


if __name__ == "__main__":
    main()
