"""Parquet files by model, release and day, each batch in them once, whatever is killed when.

A partition is a folder ``<kind>/model=<model>/release=<digest>/day=<date>/`` of Parquet files and one ``files.json``,
which lists those that count. Writing adds a file and then replaces the list; compaction writes one file of many and
then replaces the list. A reader takes the list and reads its files: it sees each batch wholly or not at all, and never
twice. Files that a new list leaves out stay for ten minutes, for readers of the old one.

A batch that is already in a partition is not added again. The list knows the first and last batch id of each file;
ids begin with the time (UUIDv7), so that of a new batch only the newest files need to be looked into.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import polars as pl

from slipway.errors import EnvironmentFault
from slipway.files import canonical_json, lock_folder, replacing
from slipway.request_log.events import unique_id
from slipway.request_log.reading import DeadLetter, Place

LIST = "files.json"
DEAD_LETTERS = "dead_letters"
COMPACT_FILES = 32
BIG_ROWS = 1_000_000
KEPT_SECONDS = 600.0
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
Kind = Literal["answers", "feedback"]


def answers(folder: Path) -> pl.LazyFrame:
    """All collected answers, with the columns model, release and day; see :func:`slipway.request_log.reading.read`."""
    return _scan(folder, "answers")


def feedback(folder: Path) -> pl.LazyFrame:
    """All collected feedback, with the columns model, release and day."""
    return _scan(folder, "feedback")


def partitions(folder: Path, kind: Kind) -> list[tuple[Place, Path]]:
    """All partitions, in the order of their names."""
    found = sorted(path.parent for path in (folder / kind).glob(f"model=*/release=*/day=*/{LIST}"))
    return [(Place(kind, *(part.partition("=")[2] for part in path.parts[-3:])), path) for path in found]


def scan_partition(path: Path) -> pl.LazyFrame:
    """The rows of one partition."""
    return pl.scan_parquet([path / entry["name"] for entry in _listed(path)["files"]])


def _scan(folder: Path, kind: Kind) -> pl.LazyFrame:
    frames = [
        scan_partition(path).with_columns(
            model=pl.lit(place.model), release=pl.lit(place.release), day=pl.lit(place.day).str.to_date()
        )
        for place, path in partitions(folder, kind)
    ]
    if not frames:
        raise EnvironmentFault(f"{folder} holds no {kind}.", "Run `slipway collect` to fetch some.")
    return pl.concat(frames, how="diagonal_relaxed")


class Store:
    """The one writer of a folder of partitions."""

    def __init__(self, folder: Path) -> None:
        """Lock the folder, and clear away what a killed writer left half done.

        Raises:
            EnvironmentFault: when another collector writes there, or the folder cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = lock_folder(folder)
        except OSError as error:
            raise EnvironmentFault(
                f"{folder} cannot be written: {error.strerror}.", "Choose another folder."
            ) from error
        if lock is None:
            raise EnvironmentFault(f"Another collector writes into {folder}.", "Stop it, or choose another folder.")
        self.folder = folder
        self._lock = lock
        for kind in ("answers", "feedback"):
            for path in (folder / kind).glob("model=*/release=*/day=*"):
                _clear(path)

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._lock)

    def add(self, place: Place, tables: Sequence[pl.DataFrame]) -> int:
        """Store rows of one place, but not those of batches that it already has; the number of new rows.

        When it returns, they are on the disk for good.

        Raises:
            ColumnsDiffer: when the columns are not those that the partition has.
            EnvironmentFault: when the disk is full.
        """
        path = self.folder / place.kind / f"model={place.model}" / f"release={place.release}" / f"day={place.day}"
        _make(path, self.folder)
        listed = _listed(path)
        rows = pl.concat(tables)
        schema = {name: str(kind) for name, kind in rows.schema.items()}
        if listed["schema"] not in ({}, schema):
            raise ColumnsDiffer(f"its columns are not those of the partition {path.relative_to(self.folder)}")
        rows = rows.filter(~pl.col("batch").is_in(_known(path, listed["files"], rows["batch"]).implode()))
        if rows.height:
            entry = _write(path, rows.lazy())
            files = [*listed["files"], entry]
            _replace_list(path, {**listed, "schema": schema, "files": files})
            _compact(path)
        return rows.height

    def bury(self, letters: Iterable[DeadLetter]) -> int:
        """Write the dead letters of each message into one file, with their reasons; their number.

        The file is named by the message, so that one that comes again is buried in the same place.
        """
        by_message: dict[str, list[dict[str, Any]]] = {}
        for letter in letters:
            content = letter.content.decode(errors="backslashreplace")
            told = {"event": letter.number, "reason": letter.reason, "content": content}
            by_message.setdefault(_file_name(letter.batch), []).append(told)
        for name, entries in by_message.items():
            _make(self.folder / DEAD_LETTERS, self.folder)
            with _lasting(self.folder / DEAD_LETTERS / f"{name}.json") as staged:
                staged.write_bytes(canonical_json(entries))
        return sum(map(len, by_message.values()))

    def sweep(self) -> None:
        """Delete files that no list has named for ten minutes."""
        for kind in ("answers", "feedback"):
            for _, path in partitions(self.folder, kind):
                _sweep(path)


class ColumnsDiffer(ValueError):
    """Rows that do not fit the partition that they belong to."""


def _known(path: Path, files: list[dict[str, Any]], batches: pl.Series) -> pl.Series:
    """Which of ``batches`` the partition already has."""
    wanted = batches.unique()
    first, last = str(wanted.min()), str(wanted.max())
    near = [path / entry["name"] for entry in files if entry["first"] <= last and first <= entry["last"]]
    if not near:
        return wanted.clear()
    stored = pl.scan_parquet(near).select("batch").filter(pl.col("batch").is_in(wanted.implode()))
    return stored.unique().collect()["batch"]


def _write(path: Path, rows: pl.LazyFrame) -> dict[str, Any]:
    name = f"{unique_id()}.parquet"
    with _lasting(path / name) as staged:
        rows.sink_parquet(staged, compression="zstd")
    written = pl.scan_parquet(path / name).select(
        rows=pl.len(), first=pl.col("batch").min(), last=pl.col("batch").max()
    )
    return {"name": name, **written.collect().row(0, named=True)}


def _compact(path: Path) -> None:
    """Make one file of all small ones, once there are many."""
    listed = _listed(path)
    small = [entry for entry in listed["files"] if entry["rows"] < BIG_ROWS]
    if len(small) < COMPACT_FILES:
        return
    entry = _write(path, pl.scan_parquet([path / entry["name"] for entry in small]))
    left = [entry for entry in listed["files"] if entry not in small]
    now = time.time()
    superseded = [*listed["superseded"], *({"name": entry["name"], "at": now} for entry in small)]
    _replace_list(path, {**listed, "files": [*left, entry], "superseded": superseded})
    _sweep(path)


def _sweep(path: Path) -> None:
    listed = _listed(path)
    old = [entry for entry in listed["superseded"] if time.time() - entry["at"] > KEPT_SECONDS]
    if old:
        for entry in old:
            (path / entry["name"]).unlink(missing_ok=True)
        _replace_list(path, {**listed, "superseded": [entry for entry in listed["superseded"] if entry not in old]})


def _clear(path: Path) -> None:
    """Remove what a killed writer left: scratch folders, and files that it did not come to list."""
    listed = _listed(path)
    names = {entry["name"] for entry in (*listed["files"], *listed["superseded"])} | {LIST}
    for entry in path.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name not in names:
            entry.unlink()


def _listed(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((path / LIST).read_bytes())
    except FileNotFoundError:
        return {"schema": {}, "files": [], "superseded": []}
    return found


def _replace_list(path: Path, listed: dict[str, Any]) -> None:
    with _lasting(path / LIST) as staged:
        staged.write_bytes(canonical_json(listed))


@contextmanager
def _lasting(target: Path) -> Iterator[Path]:
    """:func:`slipway.files.replacing`, and on the disk for good when it is done."""
    with replacing(target) as staged:
        yield staged
        _sync(staged)
    _sync(target.parent)


def _make(path: Path, top: Path) -> None:
    """Make a folder below ``top`` whose name lasts, too."""
    if path != top and not path.is_dir():
        _make(path.parent, top)
        path.mkdir(exist_ok=True)
        _sync(path.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _file_name(batch: str) -> str:
    """The batch's id, or what of it can be a file's name with a digest, so that two ids never share a file."""
    safe = _UNSAFE.sub("_", batch)[:100].lstrip(".")
    return (
        safe if safe == batch else f"{safe}-{hashlib.sha256(batch.encode(errors='backslashreplace')).hexdigest()[:16]}"
    )
