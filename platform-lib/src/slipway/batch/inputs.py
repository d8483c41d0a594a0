"""The Parquet files that are to be scored."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from slipway.batch.rules import TableRules
from slipway.errors import UsageError
from slipway.files import sha256_file

_MAGIC = set("*?[")


@dataclass(frozen=True)
class Input:
    """A Parquet file that can be scored.

    Attributes:
        path: the file, as it was named.
        rows: how many it holds.
        sha256: of its bytes.
        stamp: its size in bytes and its time of change in nanoseconds, when it was hashed.
    """

    path: Path
    rows: int
    sha256: str
    stamp: tuple[int, int]

    def read(self, columns: Sequence[str], offset: int, rows: int) -> pl.DataFrame:
        """Rows from ``offset`` on; memory is taken for these only, however large the file is.

        Raises:
            UsageError: when the file cannot be read, or is another one than was hashed.
        """
        try:
            frame = _scan(self.path).select(columns).slice(offset, rows).collect()
        except (PolarsError, OSError) as error:
            raise _unreadable(self.path, error) from error
        if _stamp(self.path) != self.stamp:
            raise UsageError(
                f"{self.path} was changed while it was being scored.",
                "Score a file that nobody writes to; what was scored of the old one will not be mixed with the new.",
            )
        return frame


def find(names: Sequence[str]) -> list[Path]:
    """The Parquet files that ``names`` stand for, each once: files, folders (searched to any depth) and globs.

    Files and folders whose name begins with a dot are passed over inside folders.

    Raises:
        UsageError: when a name stands for no file.
    """
    found: dict[Path, Path] = {}
    for name in names:
        for path in _files(name):
            found.setdefault(path.resolve(), path)
    return list(found.values())


def _files(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*.parquet")) if not _hidden(file.relative_to(path))]
        if not files:
            raise UsageError(f"The folder {name} holds no *.parquet file.", "Name the folder that holds the input.")
        return [file for file in files if file.is_file()]
    if path.exists():
        return [path]
    if _MAGIC & set(name):
        files = [Path(file) for file in sorted(glob.glob(name, recursive=True)) if Path(file).is_file()]
        if files:
            return files
        raise UsageError(f"No file matches {name}.", "Correct the pattern; ** stands for folders to any depth.")
    raise UsageError(f"There is no file or folder {name}.", "Name a Parquet file, a folder of them, or a pattern.")


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def inspect(paths: Sequence[Path], rules: TableRules, keep: Sequence[str], threads: int) -> list[Input]:
    """Read the metadata and hash the content of each file.

    Args:
        paths: the files.
        rules: what their columns must keep.
        keep: further columns that each must have, of one type in all.
        threads: how many files to hash at once.

    Raises:
        UsageError: when a file is no whole Parquet file, lacks a column or has it in a wrong type; or when
            there is no row at all.
    """
    kept: dict[str, pl.DataType] = {}
    rows = []
    for path in paths:
        schema, count = _metadata(path)
        _check_columns(path, schema, rules, keep, kept)
        rows.append(count)
    if not sum(rows):
        raise UsageError(f"There is nothing to score: {_named(paths)} no rows.", "Name an input that has rows.")
    stamps = [_stamp(path) for path in paths]
    with ThreadPoolExecutor(threads) as pool:
        digests = list(pool.map(_sha256, paths))
    return [Input(*facts) for facts in zip(paths, rows, digests, stamps, strict=True)]


def _metadata(path: Path) -> tuple[pl.Schema, int]:
    try:
        if path.stat().st_size == 0:
            raise UsageError(f"{path} is empty: not even a Parquet file of no rows.", "Write it anew.")
        scanned = _scan(path)
        return scanned.collect_schema(), int(scanned.select(pl.len()).collect().item())
    except (PolarsError, OSError) as error:
        raise _unreadable(path, error) from error


def _check_columns(
    path: Path, schema: pl.Schema, rules: TableRules, keep: Sequence[str], kept: dict[str, pl.DataType]
) -> None:
    faults = rules.faults(schema)
    if faults:
        raise UsageError(
            f"{path} cannot be scored: {'; '.join(str(fault) for fault in faults)}.",
            "Rename or cast the columns; a column of unknown values may hold nulls.",
        )
    missing = [name for name in keep if name not in schema]
    if missing:
        raise UsageError(f"{path} has no column {', '.join(missing)} to keep.", f"It has: {', '.join(schema)}.")
    for name in keep:
        if kept.setdefault(name, schema[name]) != schema[name]:
            raise UsageError(
                f"{path} holds {schema[name]} in {name!r}, the files before it {kept[name]}.",
                "A kept column needs one type in all files; cast it.",
            )


def _scan(path: Path) -> pl.LazyFrame:
    return pl.scan_parquet(path, glob=False, hive_partitioning=False)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        facts = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return facts.st_size, facts.st_mtime_ns


def _sha256(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> UsageError:
    why = str(error).split("\n", 1)[0]
    return UsageError(f"{path} cannot be read as Parquet: {why}.", "It may be cut short or another kind of file.")


def _named(paths: Iterable[Path]) -> str:
    names = [str(path) for path in paths]
    return f"{names[0]} holds" if len(names) == 1 else f"the {len(names)} files hold"
