"""Secrets in the files of a release, by detect-secrets: all its detectors, over all files, Parquet's texts included.

It knows the patterns of keys and tokens, looks for random strings in quotes, and for values of words like "password".
What would alarm without cause is left out as narrowly as it can be: digests, by the keys that Slipway writes them
under, and runs of plain numbers, which are most of a model and would take seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_NUMBERS = re.compile(
    r"(?<![^\s=\[(,:])-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?:[ ,:]+-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)+(?![^\s\]),])"
)
_DIGEST = re.compile(
    r'^\s*"(?:sha256|content|champion|params|validated|features|evaluation|challenge|drift'
    r'|[a-z_]+\.(?:md|py|txt|json|yaml|parquet))": "([0-9a-f]{64})",?$'
)
# Its own exemptions by file name and by a comment in the file are not among these: they would be off switches.
_FILTERS = (
    "detect_secrets.filters.heuristic.is_indirect_reference",
    "detect_secrets.filters.heuristic.is_likely_id_string",
    "detect_secrets.filters.heuristic.is_not_alphanumeric_string",
    "detect_secrets.filters.heuristic.is_potential_uuid",
    "detect_secrets.filters.heuristic.is_prefixed_with_dollar_sign",
    "detect_secrets.filters.heuristic.is_sequential_string",
    "detect_secrets.filters.heuristic.is_templated_secret",
    "slipway.release.secrets.is_digest",
)


@dataclass(frozen=True)
class Secret:
    """Where a secret seems to be, and of which kind; not what it is."""

    file: str
    line: int
    kind: str


def secrets(files: Mapping[str, Path]) -> list[Secret]:
    """The secrets in ``files`` (name in the release to path), by file and line."""
    from detect_secrets.core import scan
    from detect_secrets.settings import transient_settings

    found: set[Secret] = set()
    with TemporaryDirectory() as scratch, transient_settings(_settings()):
        for name, path in files.items():
            lines = list(_distinct(_shortened(_lines(path))))
            copy = Path(scratch) / f"text{path.suffix if path.suffix != '.parquet' else '.txt'}"
            copy.write_text("".join(f"{text}\n" for _, text in lines))
            found |= {Secret(name, lines[hit.line_number - 1][0], hit.type) for hit in scan.scan_file(str(copy))}
    return sorted(found, key=lambda secret: (secret.file, secret.line, secret.kind))


def is_digest(line: str, secret: str) -> bool:
    """A filter of detect-secrets: the secret is a sha256 under a key that names one, alone on its line."""
    matched = _DIGEST.match(line)
    return matched is not None and matched[1] == secret


def _settings() -> dict[str, Any]:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    detectors: list[type] = list(get_mapping_from_secret_type_to_class().values())
    names = sorted(detector.__name__ for detector in detectors)
    return {"plugins_used": [{"name": name} for name in names], "filters_used": [{"path": path} for path in _FILTERS]}


def _lines(path: Path) -> list[str]:
    import polars as pl

    if path.suffix == ".parquet":
        # What only calls itself Parquet is read as text.
        with suppress(pl.exceptions.PolarsError, OSError):
            return [f'"{text}"' for text in _parquet_texts(path)]
    return path.read_text(errors="replace").splitlines()


def _parquet_texts(path: Path) -> Iterator[str]:
    """Each distinct text in a Parquet file's columns, their names and its metadata."""
    import polars as pl

    yield from (entry for pair in pl.read_parquet_metadata(path).items() for entry in pair if pair[0] != "ARROW:schema")
    table = pl.read_parquet(path)
    yield from table.columns
    for column in table.select(pl.selectors.string(include_categorical=True)):
        yield from sorted(column.cast(pl.String).drop_nulls().unique())


def _shortened(lines: Iterable[str]) -> Iterator[str]:
    return (_NUMBERS.sub("", line) for line in lines)


def _distinct(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each distinct line with the number, from 1, of where it stands first."""
    first: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        first.setdefault(line, number)
    return ((number, line) for line, number in first.items())
