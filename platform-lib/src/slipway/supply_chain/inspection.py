"""Looking into a release that is about to be packaged: its SBOM, and every file that enters it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

from slipway.files import read_json
from slipway.gates.supply_chain import CodeUse, Component, Finding, Inspection
from slipway.supply_chain import code, kinds, locked, sbom, secrets

# What the model server runs of a release. It reads contract.py's rules from signature.json and never runs it.
SERVED = "model/features.py"
_MIB = 1 << 20


def inspect(
    folder: Path, max_file_mib: int, beside: Mapping[str, Path] | None = None, environment: Path = sbom.ENVIRONMENT
) -> Inspection:
    """Look into the release that is assembled in ``folder``.

    Args:
        folder: its files.
        max_file_mib: larger ones are reported unread.
        beside: what will enter it and stands elsewhere: name to file.
        environment: what the serving image installs, with its lock.

    Raises:
        EnvironmentFault: when SBOM or lock cannot be read.
    """
    files, misplaced = _files(folder, max_file_mib)
    files |= beside or {}
    sources = {name: path.read_bytes() for name, path in files.items() if name.endswith(".py")}
    return Inspection(
        components=_components(read_json(folder / sbom.FILE)),
        installed=locked.exported(environment),
        files=len(files) + len(misplaced),
        misplaced=[*misplaced, *_of_no_kind(files)],
        pickles=[Finding(name, 1, what) for name, path in files.items() for what in kinds.pickled(path)],
        secrets=[Finding(found.file, found.line, found.kind) for found in secrets.secrets(files)],
        code=[
            CodeUse(name, use.line, use.kind.value, use.name)
            for name, source in sources.items()
            for use in code.uses(source)
        ],
        needed=sorted(_distributions(code.imported(sources[SERVED]))) if SERVED in sources else [],
    )


def _files(folder: Path, max_file_mib: int) -> tuple[dict[str, Path], list[Finding]]:
    """The files that can be read, by their name in the release, and what is wrong with the others."""
    files, misplaced = {}, []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            misplaced.append(Finding(name, 1, "it is no regular file"))
        elif path.is_file() and path.stat().st_size > max_file_mib * _MIB:
            size = path.stat().st_size / _MIB
            misplaced.append(Finding(name, 1, f"it has {size:.0f} MiB, and {max_file_mib} are allowed"))
        elif path.is_file():
            files[name] = path
    return files, misplaced


def _of_no_kind(files: Mapping[str, Path]) -> Iterator[Finding]:
    for name, path in files.items():
        complaint = kinds.complaint(name, path)
        if complaint:
            yield Finding(name, 1, complaint)


def _components(document: Mapping[str, Any]) -> list[Component]:
    found = []
    for entry in document.get("components", ()):
        licences = [licence["expression"] for licence in entry.get("licenses", ())]
        hashes = [digest["content"] for digest in entry.get("hashes", ()) if digest["alg"] == "SHA-256"]
        found.append(
            Component(
                name=entry["name"],
                version=entry["version"],
                licence=" AND ".join(licences),
                sha256=hashes[0] if hashes else "",
                from_index="purl" in entry,
            )
        )
    return found


def _distributions(packages: set[str]) -> Iterator[str]:
    """The names, normalised, of what must be installed so that ``packages`` can be imported."""
    from packaging.utils import canonicalize_name

    providers = packages_distributions()
    for package in packages - sys.stdlib_module_names:
        yield canonicalize_name(providers.get(package, [package])[0])
