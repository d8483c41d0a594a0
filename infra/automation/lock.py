"""Two runs on one stack would undo each other: the second is refused, with the first one's process id."""

from __future__ import annotations

from contextlib import AbstractContextManager

from infra import locks
from infra.paths import state_root


def held(stack: str) -> AbstractContextManager[None]:
    """Hold the stack for the block.

    Raises:
        PlatformError: another process holds it
    """
    busy = f"Another run is changing the platform {stack!r} (process {{holder}}): one at a time."
    return locks.held(state_root() / f".{stack}.lock", busy=busy)
