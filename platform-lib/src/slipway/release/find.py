"""Which release a person means: a folder, a model's name, or the first digits of a digest."""

from __future__ import annotations

import re
from pathlib import Path

from slipway import project
from slipway.errors import UsageError
from slipway.release.manifest import MANIFEST

SHORTEST_PREFIX = 8
_HEX = re.compile(r"[0-9a-f]+")


def find(reference: str) -> Path:
    """The folder of the release that ``reference`` names.

    A folder that holds a manifest is taken as it is, inside a monorepo or not. Anything else is looked up
    below the monorepo's releases/: a model's name stands for its only release, and at least
    eight digits of a digest for the release of any model that begins with them.

    Raises:
        UsageError: when nothing or more than one release fits; it lists the releases that exist.
    """
    folder = Path(reference)
    if (folder / MANIFEST).is_file():
        return folder
    try:
        releases = project.root() / "releases"
    except UsageError as error:
        raise UsageError(f"{reference!r} is not a release's folder (no {MANIFEST} in it), and {error.what}") from error
    return choose(reference, releases)


def choose(reference: str, releases: Path) -> Path:
    """The release below ``releases`` (laid out as <model>/<digest>/) that ``reference`` names; see :func:`find`."""
    existing = sorted(path.parent for path in releases.glob(f"*/*/{MANIFEST}"))
    fitting = [folder for folder in existing if _fits(reference, folder)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise UsageError(f"{reference!r} names {len(fitting)} releases:{_listing(fitting)}", "Name one by its digest.")
    if _HEX.fullmatch(reference) and len(reference) < SHORTEST_PREFIX and _begins(reference, existing):
        raise UsageError(
            f"{reference!r} is too short to name a release by its digest.", f"Give at least {SHORTEST_PREFIX} digits."
        )
    remedy = f"Existing releases:{_listing(existing)}" if existing else "There is none at all; run `make repro`."
    raise UsageError(f"There is no release {reference!r} below {releases}.", remedy)


def _fits(reference: str, folder: Path) -> bool:
    if folder.parent.name == reference:
        return True
    return len(reference) >= SHORTEST_PREFIX and bool(_HEX.fullmatch(reference)) and folder.name.startswith(reference)


def _begins(reference: str, existing: list[Path]) -> bool:
    return any(folder.name.startswith(reference) for folder in existing)


def _listing(folders: list[Path]) -> str:
    return "".join(f"\n  {folder.parent.name}  {folder.name}" for folder in folders)
