"""Secrets in files, by detect-secrets, over all files of a release, Parquet's texts included.

It knows the patterns of keys and tokens, looks for random strings in quotes, and for values of words like "password".
What would alarm without cause is left out as narrowly as it can be: digests, by the keys that Slipway writes them
under, and runs of plain numbers, which are most of a model and would take seconds. Private keys are looked for in
more forms than it knows.

``python -m slipway.supply_chain.secrets FILE...`` is the git hook: it exits 1 naming what it finds. Sources and locks
are full of digests and of words like "password", so there it looks for keys and tokens by their patterns alone.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slipway.progress import console

# Lists of numbers, and single ones with a point or an exponent, where they are words of their own. A whole number by
# itself stays: it may be a password.
_NUMBERS = re.compile(
    r"(?<![^\s=\[(,:])"
    r"(?:-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?:[ ,:]+-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)+|-?\d+(?:\.\d+(?:e[-+]?\d+)?|e[-+]?\d+))"
    r"(?![^\s\]),])"
)
_DIGEST = re.compile(
    r'^\s*"(?:sha256|content|champion|params|validated|features|evaluation|challenge|drift'
    r'|[a-z_]+\.(?:md|py|txt|json|yaml|parquet))": "([0-9a-f]{64})",?$'
)
# Encrypted ones too, which detect-secrets does not mind: their passwords are guessed at leisure.
_PEM = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-[0-9]")
_PRIVATE_KEY = "Private Key"
_DER_SEQUENCE = b"\x30"
# So large a file is no key.
_LARGEST_KEY = 1 << 16
_BY_CHANCE = ("Base64HighEntropyString", "HexHighEntropyString", "KeywordDetector")
# Its own exemptions by file name and by a comment in the file are not among these: they would be off switches.
_FILTERS = (
    "detect_secrets.filters.heuristic.is_indirect_reference",
    "detect_secrets.filters.heuristic.is_likely_id_string",
    "detect_secrets.filters.heuristic.is_not_alphanumeric_string",
    "detect_secrets.filters.heuristic.is_potential_uuid",
    "detect_secrets.filters.heuristic.is_prefixed_with_dollar_sign",
    "detect_secrets.filters.heuristic.is_sequential_string",
    "detect_secrets.filters.heuristic.is_templated_secret",
    "slipway.supply_chain.secrets.is_digest",
)


@dataclass(frozen=True)
class Secret:
    """Where a secret seems to be, and of which kind; not what it is."""

    file: str
    line: int
    kind: str


def secrets(files: Mapping[str, Path], leave_out: Iterable[str] = ()) -> list[Secret]:
    """The secrets in ``files`` (name to path), by file and line, without the detectors ``leave_out``."""
    from detect_secrets.core import scan
    from detect_secrets.settings import transient_settings

    found: set[Secret] = set()
    with TemporaryDirectory() as scratch, transient_settings(_settings(frozenset(leave_out))):
        for name, path in files.items():
            found |= {Secret(name, line, _PRIVATE_KEY) for line in private_keys(path.read_bytes())}
            lines = list(_distinct(_shortened(_lines(path))))
            copy = Path(scratch) / f"text{path.suffix if path.suffix != '.parquet' else '.txt'}"
            copy.write_text("".join(f"{text}\n" for _, text in lines))
            found |= {Secret(name, lines[hit.line_number - 1][0], hit.type) for hit in scan.scan_file(str(copy))}
    return sorted(found, key=lambda secret: (secret.file, secret.line, secret.kind))


def private_keys(content: bytes) -> list[int]:
    """The lines, from 1, at which private keys begin: PEM (of OpenSSL, OpenSSH, PGP, PuTTY), DER or JSON Web Key."""
    found = [content.count(b"\n", 0, match.start()) + 1 for match in _PEM.finditer(content)]
    if not found and len(content) <= _LARGEST_KEY and (_is_der_key(content) or _is_web_key(content)):
        return [1]
    return found


def _is_der_key(content: bytes) -> bool:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    if not content.startswith(_DER_SEQUENCE):
        return False
    try:
        load_der_private_key(content, None)
    except (TypeError, UnsupportedAlgorithm):
        return True  # it is one, encrypted or of a kind that is not known here
    except ValueError:
        return False
    return True


def _is_web_key(content: bytes) -> bool:
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and {"kty", "d"} <= value.keys()


def is_digest(line: str, secret: str) -> bool:
    """A filter of detect-secrets: the secret is a sha256 under a key that names one, alone on its line."""
    matched = _DIGEST.match(line)
    return matched is not None and matched[1] == secret


def _settings(leave_out: frozenset[str]) -> dict[str, Any]:
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    detectors: list[type] = list(get_mapping_from_secret_type_to_class().values())
    names = sorted({detector.__name__ for detector in detectors} - leave_out)
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


def committed(names: Iterable[str]) -> list[Secret]:
    """Keys and tokens in files that are about to be committed; a symbolic link holds nothing."""
    files = {name: Path(name) for name in names}
    return secrets({name: path for name, path in files.items() if path.is_file() and not path.is_symlink()}, _BY_CHANCE)


if __name__ == "__main__":
    hits = committed(sys.argv[1:])
    for hit in hits:
        console.print(f"{hit.file} line {hit.line}: {hit.kind}", markup=False, soft_wrap=True)
    if hits:
        console.print("Take it out, and replace it where it was used: what was written down may have been read.")
        sys.exit(1)
