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

    Waits for the holder, or raises PlatformError with the message `busy` when there is one. The kernel lets go of the
    lock when its holder dies.
    """
    handle = _take(path, wait=busy is None)
    if handle is None:
        raise PlatformError(f"{busy}", "Wait until it has ended, and try again.")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(handle)


def _take(path: Path, *, wait: bool) -> int | None:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # the last stack has just removed the folder
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(handle)
            return None
        if _is(handle, path):
            return handle
        # The former holder removed the file while we waited for it: a lock on that file excludes nobody.
        os.close(handle)


def _is(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except FileNotFoundError:
        return False
