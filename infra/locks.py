"""A lock file that is held by one process of the machine at a time and does not stay when it is no longer needed."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.errors import PlatformError


@contextmanager
def held(path: Path, *, busy: str | None = None) -> Iterator[None]:
    """Hold the lock for the block, and remove its file at the end.

    Waits for the holder, or raises PlatformError with the message `busy` when there is one; `{holder}` in it stands for
    the holder's process id. The kernel lets go of the lock when its holder dies.
    """
    handle = _take(path, busy)
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _take(path: Path, busy: str | None) -> int:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # the last stack has just removed the folder
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            holder = os.pread(handle, 32, 0).decode().strip() or "unknown"
            os.close(handle)
            raise PlatformError(
                f"{busy}".replace("{holder}", holder),
                "Wait until it has ended, or stop it with Ctrl-C in its terminal, and try again.",
            ) from None
        if _is(handle, path):
            return handle
        # The former holder removed the file while we waited for it: a lock on that file excludes nobody.
        os.close(handle)


def _is(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False
