"""Source files that come inside an installed Python package, found and verified.

The package itself is pinned by hash in uv.lock; the installer's record holds the sha256 of each of its files,
so a missing, truncated or edited file is refused before it is read.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from slipway.errors import EnvironmentFault
from slipway.files import sha256_file


@dataclass(frozen=True)
class Source:
    """One file: where it is, its size in bytes, and its sha256."""

    file: Path
    size: int
    sha256: str


def locate(package: str, folder: str, files: Mapping[str, str]) -> dict[str, Source]:
    """Find ``files`` (table name to file name) below ``folder`` of an installed package and verify each.

    Raises:
        EnvironmentFault: naming the file that is missing or not as it was installed.
    """
    remedy = f"Run `uv sync --reinstall-package {package}` to restore it."
    try:
        installed = metadata.distribution(package)
    except metadata.PackageNotFoundError as error:
        raise EnvironmentFault(f"The package {package} is not installed.", "Run `make setup`.") from error
    recorded = {str(entry): entry.hash for entry in installed.files or []}
    found = {}
    for table, name in files.items():
        entry = f"{folder}/{name}"
        path = Path(str(installed.locate_file(entry)))
        if not path.is_file():
            raise EnvironmentFault(f"Source file {entry} of {package} is missing.", remedy)
        found[table] = Source(path, path.stat().st_size, sha256_file(path))
        expected = recorded.get(entry)
        if expected is None or _hex(expected.value) != found[table].sha256:
            raise EnvironmentFault(
                f"Source file {entry} of {package} is not as it was installed ({found[table].size} bytes).", remedy
            )
    return found


def provenance(package: str, licence: str, found: Mapping[str, Source]) -> dict[str, Any]:
    """Where the data came from, JSON-ready: package, version, licence, and each file's sha256."""
    return {
        "package": package,
        "version": metadata.version(package),
        "licence": licence,
        "files": {
            table: {"file": source.file.name, "bytes": source.size, "sha256": source.sha256}
            for table, source in found.items()
        },
    }


def _hex(record: str) -> str:
    return base64.urlsafe_b64decode(record + "=" * (-len(record) % 4)).hex()
