"""The command line of the builds."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import typer

from infra.builds import containers, executables, store
from infra.builds.catalogue import Image, catalogue
from infra.builds.components import components
from infra.builds.engines import engine
from infra.builds.progress import Progress
from infra.errors import PlatformError, UsageError

app = typer.Typer(
    help="Build and keep the platform's programs and images.\n\nExample: python -m infra.builds warm",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document to standard output.")]
Names = Annotated[list[str] | None, typer.Argument(help="Components, images, or names of both; without one, all.")]


def say(line: str) -> None:
    """Progress goes to standard error, so that standard output holds the answer alone."""
    typer.echo(line, err=True)


@app.command()
def warm(names: Names = None, as_json: Json = False) -> None:
    """Build what is not in the cache yet, in the order in which a platform needs it.

    It may run in the background and beside others, and be killed at any time: it goes on where it stopped. Programs and
    images are built side by side, because the ones wait for a processor and the others for the network.

    Examples: python -m infra.builds warm

    python -m infra.builds warm kubernetes etcd redis
    """
    chosen = _chosen(names)
    programs = [component for name, component in components().items() if name in chosen]
    images = [image.name for image in catalogue().images.values() if image.name in chosen and _needed(image)]
    progress = Progress(say, total=len(programs) + len(images))
    with ThreadPoolExecutor(1) as beside:
        made = beside.submit(containers.images, images, progress)
        for component in programs:
            executables.built(component, progress)
        made.result()
    if as_json:
        typer.echo(json.dumps([outcome.__dict__ for outcome in progress.outcomes], indent=1))


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Show each component and image, its version, and whether it is in the cache.

    Example: python -m infra.builds list --json
    """
    rows = [_row("program", entry, version) for entry, version in _programs()]
    rows += [_row("image", entry, version) for entry, version in _images()]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        size = f"{int(row['bytes']) / 2**20:.0f} MiB" if row["cached"] else "not built"
        typer.echo(f"{row['kind']:8} {row['name']:21} {row['version']:19} {size:>10}  {row['folder']}")


@app.command()
def verify(as_json: Json = False) -> None:
    """Read every entry of this repository's pins and hold it against its manifest; exit 3 if one is broken.

    Example: python -m infra.builds verify
    """
    entries = [entry for entry, _ in [*_programs(), *_images()] if entry.exists]
    faults = {f"{entry.store.name}/{entry.name}": store.fault(entry) for entry in entries}
    if as_json:
        typer.echo(json.dumps(faults, indent=1))
    else:
        for name, wrong in faults.items():
            typer.echo(f"{name}: {wrong or 'intact'}")
    if any(faults.values()):
        raise PlatformError(
            "The cache holds broken entries.", "Run `python -m infra.builds warm`: they are built anew."
        )


@app.command()
def path(name: Annotated[str, typer.Argument(help="A program, e.g. kubectl.")], as_json: Json = False) -> None:
    """Print where a program is, building it if need be.

    Example: $(python -m infra.builds path kubectl) version --client
    """
    found = str(executables.program(name, Progress(say)))
    typer.echo(json.dumps({"name": name, "path": found}) if as_json else found)


def _chosen(names: list[str] | None) -> set[str]:
    known = [*components(), *(name for name in catalogue().images if name not in components())]
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise UsageError(f"Nothing here is named {', '.join(unknown)}.", f"There are: {', '.join(known)}.")
    return set(names or known)


def _needed(image: Image) -> bool:
    """Whether it is built here: with Docker, what upstream has is pulled. Raises PlatformError without an engine."""
    return engine().base is None or (image.ours and image.name != containers.BASE)


def _programs() -> list[tuple[store.Entry, str]]:
    return [(executables.entry(component), component.shown_version) for component in components().values()]


def _images() -> list[tuple[store.Entry, str]]:
    return [(containers.entry(image), image.tag) for image in catalogue().images.values()]


def _row(kind: str, entry: store.Entry, version: str) -> dict[str, str | int | bool]:
    facts = {"kind": kind, "name": entry.name, "version": version, "key": entry.key, "folder": str(entry.folder)}
    return {**facts, "cached": entry.exists, "bytes": entry.size()}


def main() -> None:
    """Run the command line; an error is told in two lines, with its exit code."""
    try:
        app()
    except PlatformError as error:
        say(f"error: {error}")
        sys.exit(error.exit_code)
