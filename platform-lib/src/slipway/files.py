"""Writing files so that a reader sees a whole one or none, and naming content by its sha256."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from slipway.errors import EnvironmentFault, SlipwayError, UsageError

_CHUNK = 1 << 20
_SCRATCH = ".scratch"
# Polars raises a system's error as one of its own and keeps only this of it.
_SYSTEM_ERROR = re.compile(r"\(os error \d+\)")


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a path beside ``target`` to write to; it takes target's place only if the block succeeds.

    ``target`` may become a file or a folder. A kill at any line leaves the old target or none, and a whole one always.

    Raises:
        EnvironmentFault: when the disk is full, a file that the block reads is missing, and the like.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_abandoned(target)
        with _scratch_beside(target) as scratch:
            staged = scratch / target.name
            yield staged
            _swap(staged, target, scratch / f"{target.name}.replaced")
    except SlipwayError:
        raise
    except Exception as error:
        if not isinstance(error, OSError) and not _SYSTEM_ERROR.search(str(error)):
            raise
        raise EnvironmentFault(
            f"{target} could not be written: {error}.",
            "Nothing was replaced. Free some space or mend what is named, then run the same command again.",
        ) from error


@contextmanager
def _scratch_beside(target: Path) -> Iterator[Path]:
    """A folder that is this writer's while it lives: the lock on it ends with the process, however that ends."""
    scratch, lock = _locked_scratch(target)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        os.close(lock)


def _locked_scratch(target: Path) -> tuple[Path, int]:
    while True:
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=_SCRATCH, dir=target.parent))
        lock = lock_folder(scratch)
        if lock is not None:
            return scratch, lock
        # Another writer took it for abandoned before it was locked, and clears it away.


def lock_folder(folder: Path) -> int | None:
    """Lock ``folder``; None when it is another's or gone.

    Not the writer's process id: a killed one stays a zombie until its parent asks, its number is given to another,
    and a container next door counts anew.
    """
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.stat(folder)
    except (BlockingIOError, FileNotFoundError):
        os.close(lock)
        return None
    except BaseException:
        os.close(lock)
        raise
    return lock


def _swap(staged: Path, target: Path, replaced: Path) -> None:
    if not target.is_dir():
        os.replace(staged, target)
        return
    # A folder cannot replace another, and deleting the old one in place would show half of it meanwhile.
    os.replace(target, replaced)
    try:
        os.replace(staged, target)
    except OSError:
        os.replace(replaced, target)
        raise


def _clear_abandoned(target: Path) -> None:
    for scratch in target.parent.glob(f".{target.name}.*{_SCRATCH}"):
        lock = lock_folder(scratch)
        if lock is not None:
            shutil.rmtree(scratch, ignore_errors=True)
            os.close(lock)


def canonical_json(value: Any) -> bytes:
    """Serialise to the one byte string that equal values share (sorted keys, no NaN, UTF-8)."""
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def write_json(target: Path, value: Any) -> None:
    """Write ``value`` as canonical JSON, whole or not at all."""
    with replacing(target) as staged:
        staged.write_bytes(canonical_json(value))


def read_json(path: Path) -> Any:
    """Read a JSON file; a missing or broken one is an EnvironmentFault that names it."""
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise EnvironmentFault(f"{path} is missing.", "Run `make repro` to make it.") from error
    except (ValueError, RecursionError) as error:
        raise EnvironmentFault(f"{path} is not valid JSON: {error}.", "Run `make repro` to make it anew.") from error


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises:
        EnvironmentFault: when it is missing or cannot be read.
        UsageError: when it is not YAML; it names the line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EnvironmentFault(
            f"{path} cannot be read: {error.strerror}.", f"Restore it: `git checkout {path}`."
        ) from error
    return parse_yaml(content, str(path))


class _Loader(yaml.SafeLoader):
    """One that takes no key twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in names:
                raise yaml.constructor.ConstructorError(None, None, f"key {key.value!r} stands twice", key.start_mark)
            names.add(str(key.value))
        return super().construct_mapping(node, deep)


# What PyYAML raises where a text is none, or a value is not what it looks like, as 2026-99-99 and `!!bool maybe`.
UNREADABLE = (yaml.YAMLError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError)


def parse_yaml(content: bytes, source: str) -> Any:
    """Read YAML that ``source`` holds.

    Raises:
        UsageError: when it is not YAML, or gives a key twice, of which YAML would take the last; it names the line.
    """
    try:
        return yaml.load(content.decode(), _Loader)
    except UNREADABLE as error:
        raise UsageError(f"{source} is not valid YAML: {error}.", "Mend that line.") from error


def sha256_file(path: Path) -> str:
    """Hex sha256 of a file, read in chunks so that its size does not matter."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def sha256_folder(folder: Path) -> str:
    """Hex sha256 over the names and contents of all files below ``folder``."""
    listing = {
        path.relative_to(folder).as_posix(): sha256_file(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }
    return hashlib.sha256(canonical_json(listing)).hexdigest()
