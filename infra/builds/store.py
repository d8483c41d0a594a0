"""A store of what was built, named by the content it was built from.

An entry is a folder `<store>/<name>/<key>/` with a `manifest.json` that holds the sha256 of each of its files. It
appears by a rename, so a killed build leaves no entry; a lock lets several processes ask for the same one at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.errors import PlatformError

MANIFEST = "manifest.json"
PARTIAL = ".partial"


@dataclass(frozen=True)
class Entry:
    """One entry of the store, whether it is there or not."""

    store: Path
    name: str
    key: str

    @property
    def folder(self) -> Path:
        return self.store / self.name / self.key

    @property
    def exists(self) -> bool:
        return self.folder.is_dir()

    def size(self) -> int:
        """Bytes of its files, 0 where it does not exist."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    def digests(self) -> dict[str, str]:
        """The sha256 that the manifest records for each file, by its path in the entry."""
        recorded: dict[str, str] = json.loads((self.folder / MANIFEST).read_text())
        return recorded


@dataclass(frozen=True)
class Watch:
    """What a caller wants to hear of: a fault in an entry, and that another process holds the lock."""

    broken: Callable[[Entry, str], None] = lambda entry, fault: None
    waiting: Callable[[Entry], None] = lambda entry: None


def fault(entry: Entry) -> str | None:
    """What is wrong with an entry that exists, or None: every file is read and held against the manifest."""
    try:
        recorded = entry.digests()
    except (OSError, ValueError):
        return f"{MANIFEST} cannot be read"
    found = _files(entry.folder)
    for path in sorted(recorded.keys() ^ found.keys()):
        return f"{path} is missing" if path in recorded else f"{path} does not belong to it"
    for path, digest in _digests(found).items():
        if digest != recorded[path]:
            return f"{path} has changed: sha256 {digest[:12]}, recorded {recorded[path][:12]}"
    return None


def obtain(entry: Entry, make: Callable[[Path], None], watch: Watch = Watch()) -> Path:
    """The folder of an intact entry, made by `make(folder)` if it is missing or broken."""
    with _lock(entry, watch):
        if entry.exists:
            wrong = fault(entry)
            if wrong is None:
                return entry.folder
            watch.broken(entry, wrong)
            shutil.rmtree(entry.folder)
        _remove_partial(entry)
        try:
            with scratch(entry.folder) as partial:
                make(partial)
                _seal(partial)
                partial.replace(entry.folder)
        except OSError as error:
            raise _told(error, entry) from error
    return entry.folder


@contextlib.contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """A folder beside that of an entry, finished or not, for what it is made of.

    It is gone at the end; where a build was killed, the next one of the same entry removes it.
    """
    key = folder.name.partition(".")[0]
    temporary = Path(tempfile.mkdtemp(prefix=f"{key}.", suffix=PARTIAL, dir=folder.parent))
    try:
        yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _told(error: OSError, entry: Entry) -> PlatformError:
    return PlatformError(
        f"{entry.name} could not be written to {entry.store}: {error}",
        "Make room or mend the permissions there, or set XDG_CACHE_HOME to another disk; then try again.",
    )


def _seal(folder: Path) -> None:
    folder.chmod(0o755)
    recorded = _digests(_files(folder))
    (folder / MANIFEST).write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n")


def _files(folder: Path) -> dict[str, Path]:
    files = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return {str(path.relative_to(folder)): path for path in files if path.name != MANIFEST or path.parent != folder}


def _digests(files: dict[str, Path]) -> dict[str, str]:
    with ThreadPoolExecutor() as pool:
        return dict(zip(files, pool.map(file_digest, files.values()), strict=True))


def file_digest(path: Path) -> str:
    """The sha256 of a file's bytes, as hex; of a symbolic link, that of its target's name."""
    if path.is_symlink():
        return hashlib.sha256(str(path.readlink()).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove_partial(entry: Entry) -> None:
    for left in entry.folder.parent.glob(f"{entry.key}.*{PARTIAL}"):
        shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _lock(entry: Entry, watch: Watch) -> Iterator[None]:
    """Hold the lock of an entry; the kernel lets go of it when the process ends, however that happens."""
    try:
        entry.folder.parent.mkdir(parents=True, exist_ok=True)
        file = entry.folder.with_suffix(".lock").open("w")
    except OSError as error:
        raise _told(error, entry) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            watch.waiting(entry)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
