"""Two runs on one stack would undo each other: the second is refused, with the first one's process id."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.errors import PlatformError
from infra.paths import state_root


@contextmanager
def held(stack: str) -> Iterator[None]:
    """Hold the stack for the block. The kernel lets go when the process ends, however that happens.

    Raises:
        PlatformError: another process holds it
    """
    path = state_root() / f".{stack}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _take(path, stack)
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _take(path: Path, stack: str) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 32, 0).decode().strip() or "unknown"
            os.close(handle)
            raise PlatformError(
                f"Another run is changing the platform {stack!r} (process {holder}): one at a time.",
                "Wait until it has ended, or stop it with Ctrl-C in its terminal, and try again.",
            ) from None
        # The holder before us may have removed the file between our open and our lock: that lock excludes nobody.
        if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
            return handle
        os.close(handle)
