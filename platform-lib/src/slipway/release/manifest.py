"""The manifest: which files a release holds, and the proof that it holds exactly those."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from slipway.errors import SlipwayError
from slipway.files import canonical_json, read_json, sha256_file

MANIFEST = "manifest.json"
SCHEMA = 1
# A model's name is a folder's: it must not lead elsewhere when a signature is looked for or written.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,99}")


class ReleaseBroken(SlipwayError):
    """The folder is not the release that it claims to be."""

    exit_code = 3


def write(folder: Path, model: str) -> str:
    """Write the manifest of all files in ``folder`` and return the release's digest (64 hex digits)."""
    manifest = {"schema": SCHEMA, "model": model, "files": _listing(folder)}
    content = canonical_json(manifest)
    (folder / MANIFEST).write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def digest_of(folder: Path) -> str:
    """The digest of the release in ``folder``: the sha256 of its manifest."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise ReleaseBroken(
            f"{folder} is not a release: it holds no {MANIFEST}.",
            "Name a folder below releases/, or run `make repro` to make one.",
        )
    return sha256_file(manifest)


def verify(folder: Path, digest: str | None = None) -> dict[str, Any]:
    """Check every file of the release against its manifest, and the manifest against its name.

    Args:
        folder: the release.
        digest: the digest it must have; by default the one that its folder is named by.

    Returns:
        The manifest.

    Raises:
        ReleaseBroken: naming the first file that is changed, missing or not listed.
    """
    expected = digest or folder.resolve().name
    actual = digest_of(folder)
    if actual != expected:
        raise ReleaseBroken(
            f"{folder / MANIFEST} has sha256 {actual}, but the release is named {expected}.",
            "The manifest was changed or the folder renamed; fetch the release again.",
        )
    manifest = _read(folder / MANIFEST)
    _compare(folder, manifest["files"])
    return manifest


def _read(file: Path) -> dict[str, Any]:
    content = read_json(file)
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise ReleaseBroken(
            f"{file} has schema {schema!r}; this Slipway reads schema {SCHEMA}.",
            "Use the Slipway version that made the release.",
        )
    if not _is_name(content.get("model")) or not _is_listing(content.get("files")):
        raise ReleaseBroken(f"{file} does not say its model and its files.", "Fetch the release again.")
    return dict(content)


def _is_name(model: Any) -> bool:
    return isinstance(model, str) and _NAME.fullmatch(model) is not None


def _is_listing(files: Any) -> bool:
    entries = files.values() if isinstance(files, dict) else [None]
    return all(isinstance(entry, dict) and entry.keys() == {"sha256", "bytes"} for entry in entries)


def _compare(folder: Path, listed: dict[str, Any]) -> None:
    found = _listing(folder)
    for name in sorted(listed.keys() | found.keys()):
        if name not in found:
            raise ReleaseBroken(f"{folder / name} is missing from the release.", "Fetch the release again.")
        if name not in listed:
            raise ReleaseBroken(
                f"{folder / name} is not part of the release.", "Remove it, or fetch the release again."
            )
        if listed[name] != found[name]:
            raise ReleaseBroken(
                f"{folder / name} has sha256 {found[name]['sha256']}, the manifest says {listed[name]['sha256']}.",
                "The file was changed after packaging; fetch the release again.",
            )


def _listing(folder: Path) -> dict[str, Any]:
    listing = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise ReleaseBroken(f"{path} is a symbolic link.", "A release holds regular files only; remove it.")
        if not path.is_file() and not path.is_dir():
            raise ReleaseBroken(f"{path} is a pipe or a device.", "A release holds regular files only; remove it.")
        # A folder that cannot be looked into would pass for an empty one.
        if not os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK):
            raise ReleaseBroken(f"{path} cannot be read.", "Give yourself the right to read it.")
        # Compiled code counts too: Python would run a planted __pycache__ in place of the verified source.
        if path.is_file() and path != folder / MANIFEST:
            name = path.relative_to(folder).as_posix()
            listing[name] = {"sha256": sha256_file(path), "bytes": path.stat().st_size}
    return listing
