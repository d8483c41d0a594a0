"""Which kinds of files a release may hold: those that cannot execute, and the model's own two modules.

A file is of a kind if its name and its content are. A pickle is of none, whatever it is called.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
import logging
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path

import yaml

_LIGHTGBM = b"tree\n"
_ZIP, _NPY = b"PK", b"\x93NUMPY"
# pyarrow once unpickled what such a type's metadata hold: CVE-2023-47248.
_PICKLED_TYPE = b"arrow.py_extension_type"


class NotOfItsKind(ValueError):
    """A file's content is not of the kind that its name says."""


def complaint(name: str, file: Path) -> str:
    """Why ``file``, called ``name`` in the release, may not be in it; empty if it may."""
    check = next((check for pattern, check in _KINDS.items() if fnmatch(name, pattern)), None)
    if check is None:
        return "no file of this name or kind belongs into a release"
    try:
        check(file.read_bytes())
    except NotOfItsKind as error:
        return str(error)
    return ""


def pickled(file: Path) -> list[str]:
    """The names that Python would import if ``file`` were unpickled, as "module.name".

    Bare pickles, and pickles inside zip archives and NumPy arrays, are looked into. Without a name nothing executes.
    """
    from picklescan import scanner

    logging.getLogger("picklescan").setLevel(logging.CRITICAL)
    content = file.read_bytes()
    scan = scanner.scan_pickle_bytes
    if content.startswith(_ZIP):
        scan = scanner.scan_zip_bytes
    elif content.startswith(_NPY):
        scan = scanner.scan_numpy
    try:
        found = scan(io.BytesIO(content), file.name).globals
    except Exception as error:  # it reads hostile bytes and may stumble over any of them
        return [f"(unreadable: {error})"]
    names = (f"{entry.module}.{entry.name}" for entry in found)
    # Prose may read as opcodes, but its words are no names.
    return sorted(name for name in names if all(part.isidentifier() for part in name.split(".")))


def _text(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise NotOfItsKind("it is no text in UTF-8") from error
    if not all(character.isprintable() or character in "\n\t" for character in set(text)):
        raise NotOfItsKind("it holds control characters, so it is no plain text")
    return text


def _json(content: bytes) -> None:
    try:
        json.loads(_text(content))
    except (ValueError, RecursionError) as error:
        raise NotOfItsKind(f"it is not JSON: {error}") from error


def _yaml(content: bytes) -> None:
    try:
        yaml.safe_load(_text(content))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise NotOfItsKind(f"it is not plain YAML: {str(error).splitlines()[0]}") from error


def _lightgbm(content: bytes) -> None:
    if not content.startswith(_LIGHTGBM):
        raise NotOfItsKind("it is not a model in LightGBM's text format")
    _text(content)


def _parquet(content: bytes) -> None:
    import polars as pl

    try:
        metadata = pl.read_parquet_metadata(io.BytesIO(content))
        if _PICKLED_TYPE in base64.b64decode(metadata.get("ARROW:schema", "")):
            raise NotOfItsKind("its metadata hold a pickled Arrow type")
        table = pl.read_parquet(io.BytesIO(content))
        # Bytes and nested values are looked into by nobody, secrets least of all.
        if opaque := [
            name for name, kind in table.schema.items() if kind.is_nested() or kind in (pl.Binary, pl.Object)
        ]:
            raise NotOfItsKind(f"its column {opaque[0]} holds neither numbers, times nor text")
    except (pl.exceptions.PolarsError, OSError, binascii.Error) as error:
        raise NotOfItsKind(f"it is not Parquet: {error}") from error


def _prose(content: bytes) -> None:
    _text(content)


_KINDS: dict[str, Callable[[bytes], None]] = {
    "model.txt": _lightgbm,
    "model/contract.py": _prose,
    "model/features.py": _prose,
    "*.json": _json,
    "*.md": _prose,
    "*.parquet": _parquet,
    "*.yaml": _yaml,
}
