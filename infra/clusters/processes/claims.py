"""Which stacks exist on this machine, and with which ranges: what one stack must know of the others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from pathlib import Path

from infra.clusters.processes import addressing
from infra.clusters.processes.addressing import Ranges
from infra.clusters.processes.layout import MACHINE, Layout
from infra.errors import PlatformError
from infra.files import write
from infra.locks import held

RANGES = "ranges.json"
"""Below the stack's cluster folder: the ranges stay the same when the machine starts anew."""


@contextmanager
def machine_lock() -> Iterator[None]:
    """Hold off every other stack of the machine for the moment that it takes to claim ranges, or to let go of them."""
    try:
        with held(MACHINE / ".lock"):
            yield
    finally:
        _remove_empty(MACHINE / "stacks")
        _remove_empty(MACHINE)


def ranges_of(layout: Layout) -> Ranges | None:
    """The ranges that the stack has claimed, from whichever of its two records is there."""
    for path in (layout.claim, layout.cluster / RANGES):
        try:
            found = json.loads(path.read_text())
            return Ranges.from_json(found["ranges"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            continue
    return None


def claim(layout: Layout) -> Ranges:
    """The stack's ranges: those of before, or fresh ones. Call it under the machine's lock, with no link of its own up.

    Raises PlatformError when the ranges of before are in use elsewhere, and when there are none left.
    """
    others = [network for ranges in _of_others(layout) for network in (ranges.link, ranges.pods, ranges.services)]
    taken: list[IPv4Network] = [*addressing.on_this_machine(), *others]
    ranges = ranges_of(layout)
    if ranges is None:
        ranges = addressing.free(taken)
    elif collisions := addressing.collisions(ranges, taken):
        raise PlatformError(
            f"The addresses of stack {layout.stack} are now used by something else: {', '.join(map(str, collisions))}.",
            "Stop that (see `ip route`), or take the stack down and up again, which chooses other addresses.",
        )
    record = json.dumps({"state": str(layout.state), "ranges": ranges.to_json()})
    for path in (layout.cluster / RANGES, layout.claim):
        write(path, record)
    return ranges


def let_go(layout: Layout) -> None:
    """The stack no longer exists. Call it under the machine's lock."""
    layout.claim.unlink(missing_ok=True)


def check_folder(layout: Layout) -> None:
    """Raise PlatformError when a stack of this name lives in another folder, e.g. of another user."""
    try:
        state = json.loads(layout.claim.read_text())["state"]
    except (FileNotFoundError, ValueError, KeyError):
        return
    if Path(state) != layout.state and Path(state).exists():
        raise PlatformError(
            f"There is a stack {layout.stack} on this machine already, in {state}.",
            f"Choose another name, or work with that one: XDG_STATE_HOME={Path(state).parents[1]}",
        )


def _of_others(layout: Layout) -> Iterator[Ranges]:
    """Claims in the machine's record, and those of stopped stacks beside this one, which outlast a restart."""
    for path in (MACHINE / "stacks").glob("*.json"):
        if path != layout.claim and (ranges := ranges_of(Layout(path.stem, Path("/nonexistent")))):
            yield ranges
    for folder in layout.state.parent.glob("*/"):
        if folder != layout.state and (ranges := ranges_of(Layout(folder.name, folder))):
            yield ranges


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:  # there is something in it, or it has gone
        return
