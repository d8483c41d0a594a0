"""The two paths that a commit about a model in an environment changes, and no third: release.yaml and the manifests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from slipway.errors import OWN_FAULT, SlipwayError
from slipway.rendering.render import rendered
from slipway.rendering.served import RECORD_FILE, folder


def of(environment: str, model: str) -> tuple[Path, Path]:
    """release.yaml and the rendered folder, relative to the top folder."""
    return folder(environment, model) / RECORD_FILE, rendered(environment, model)


def others(changed: Iterable[str], paths: tuple[Path, Path]) -> list[str]:
    """Those of the changed paths that are neither release.yaml nor in the rendered folder."""
    record, manifests = paths
    return [name for name in changed if Path(name) != record and manifests not in Path(name).parents]


def check(changed: Iterable[str], paths: tuple[Path, Path], what: str) -> None:
    """Assert that ``what``, a commit of ours that is not pushed yet, changes nothing but its two paths."""
    found = others(changed, paths)
    if found:
        fault = SlipwayError(f"{what} would change {', '.join(found)} too.", "Report this; nothing was pushed.")
        fault.exit_code = OWN_FAULT
        raise fault
