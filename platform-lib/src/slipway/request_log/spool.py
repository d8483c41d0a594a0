"""Batches on disk while NATS is away: segment files in a folder of this process's own, kept over its death.

Each process holds a lock on its folder (flock; it ends with the process, however that ends) and takes over what dead
ones left. A frame is handed to the kernel at once, so that the death of the process loses nothing; it is synced to the
disk at least once a second while frames come, when a segment is full and at the end, so that the death of the machine
loses a second. What does not fit is refused, not what is already there: the gap is one stretch, and ends when NATS is
back.

No method is safe to call from two threads at once; the counts may be read from any.
"""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

from slipway.errors import EnvironmentFault
from slipway.files import lock_folder
from slipway.request_log.events import Batch
from slipway.request_log.frames import framed, whole

SEGMENT_BYTES = 4 << 20
SYNC_SECONDS = 1.0
_SUFFIX = ".frames"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Spooled(NamedTuple):
    """Counts of records: kept, refused because the spool is full, refused because the disk is."""

    kept: int = 0
    overflowed: int = 0
    failed: int = 0


class Spool:
    """The spool of this process below ``home``.

    Attributes:
        bytes: how much is on disk.
        segments: how many files wait.
        damaged: bytes that belonged to no whole frame, of all that was read.
    """

    def __init__(self, home: Path, max_bytes: int) -> None:
        self.bytes = 0
        self.damaged = 0
        self._home = home
        self._max_bytes = max_bytes
        self._folder: Path | None = None
        self._lock = -1
        self._waiting: deque[tuple[Path, int]] = deque()  # sealed segments, the oldest first, with their sizes
        self._writing: int | None = None
        self._path = home
        self._written = 0
        self._synced = 0.0
        self._number = 0

    @property
    def segments(self) -> int:
        return len(self._waiting) + (self._writing is not None)

    def open(self) -> None:
        """Make the folder and take over what dead processes left.

        Raises:
            EnvironmentFault: when the folder cannot be made; a full disk is no such fault.
        """
        try:
            self._own_folder()
            self.adopt()
        except OSError as error:
            if error.errno not in _FULL:
                raise EnvironmentFault(
                    f"The request log cannot write its spool {self._home}: {error.strerror}.",
                    "Choose a folder that this user may write.",
                ) from error

    def append(self, batches: list[Batch]) -> Spooled:
        """Write the batches that fit, in order."""
        total = Spooled()
        for batch in batches:
            total = Spooled(*(have + new for have, new in zip(total, self._append(batch), strict=True)))
        return total

    def head(self) -> list[Batch]:
        """The batches of the oldest segment, which from now on is only read; empty if nothing waits.

        Raises:
            OSError: when it cannot be read; it stays.
        """
        while True:
            if not self._waiting:
                self._seal()
            if not self._waiting:
                return []
            batches, lost = whole(self._waiting[0][0].read_bytes())
            self.damaged += lost
            if batches:
                return batches
            self.discard_head()

    def discard_head(self) -> None:
        """Delete the oldest segment: all its batches are stored elsewhere."""
        path, size = self._waiting.popleft()
        with contextlib.suppress(OSError):
            path.unlink()
        self.bytes -= size

    def adopt(self) -> int:
        """Take over the segments of dead processes; their number."""
        if self._folder is None:
            return 0
        adopted = 0
        for other in sorted(self._home.iterdir()):
            if other == self._folder or not other.is_dir() or (lock := lock_folder(other)) is None:
                continue
            try:
                for segment in sorted(other.glob(f"*{_SUFFIX}")):
                    adopted += self._adopt(segment)
                other.rmdir()
            except OSError:
                continue  # What is left there waits for the next one that looks.
            finally:
                os.close(lock)
        return adopted

    def close(self) -> None:
        """Sync what was written and let go of the folder; what waits is taken over by the next process."""
        self._seal()
        if self._folder is not None:
            with contextlib.suppress(OSError):
                self._folder.rmdir()  # only if it is empty
            os.close(self._lock)
            self._folder = None

    def _append(self, batch: Batch) -> Spooled:
        frame = framed(batch)
        if self.bytes + len(frame) > self._max_bytes:
            return Spooled(overflowed=batch.records)
        try:
            segment = self._segment()
            written = 0
            while written < len(frame):
                written += os.write(segment, frame[written:])
            self._written += len(frame)
            self.bytes += len(frame)
            self._sync(segment)
        except OSError:
            self._cut()
            return Spooled(failed=batch.records)
        if self._written >= SEGMENT_BYTES:
            self._seal()
        return Spooled(kept=batch.records)

    def _sync(self, segment: int) -> None:
        if time.monotonic() - self._synced >= SYNC_SECONDS:
            with contextlib.suppress(OSError):  # The frame is written, and is replayed unless the machine dies.
                os.fdatasync(segment)
            self._synced = time.monotonic()

    def _cut(self) -> None:
        """Take back half a frame."""
        if self._writing is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._writing, self._written)
                os.lseek(self._writing, self._written, os.SEEK_SET)

    def _segment(self) -> int:
        if self._writing is None:
            path = self._next_path()
            self._writing = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            self._written = 0
            self._path = path
        return self._writing

    def _seal(self) -> None:
        if self._writing is None:
            return
        with contextlib.suppress(OSError):
            os.fdatasync(self._writing)
        os.close(self._writing)
        self._writing = None
        self._waiting.append((self._path, self._written))

    def _next_path(self) -> Path:
        self._number += 1
        return self._own_folder() / f"{self._number:010d}{_SUFFIX}"

    def _own_folder(self) -> Path:
        if self._folder is None:
            self._home.mkdir(parents=True, exist_ok=True)
            while True:
                folder = Path(tempfile.mkdtemp(prefix=f"{time.time_ns():020d}-", dir=self._home))
                if (lock := lock_folder(folder)) is not None:
                    break
                # Another process took it for a dead one's before it was locked.
            self._folder, self._lock = folder, lock
        return self._folder

    def _adopt(self, segment: Path) -> int:
        size = segment.stat().st_size
        path = self._next_path()
        segment.rename(path)
        self._waiting.append((path, size))
        self.bytes += size
        return 1
