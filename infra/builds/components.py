"""The components that are built from Go modules: what `infra/upstream/components.yaml` and each go.mod say of them."""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

UPSTREAM = Path(__file__).resolve().parents[1] / "upstream"


@dataclass(frozen=True)
class Component:
    """One Go module of ours that pins an upstream project, and the programs that are built from it.

    A small one needs none of the disk that the large ones' caches fill. One that is ``contained`` runs in our images
    alone, and so on Linux, wherever it is built.
    """

    name: str
    source: Path
    module: str
    version: str
    programs: dict[str, str]
    ldflags: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    release: str = ""
    small: bool = False
    contained: bool = False

    @property
    def shown_version(self) -> str:
        """The version as its makers and its image's tag say it, e.g. v1.2.3."""
        return self.release or self.version

    @property
    def number(self) -> str:
        """The shown version without the leading v."""
        return self.shown_version.removeprefix("v")

    def linker_flags(self) -> str:
        """The value of `-ldflags`: no symbol table, no DWARF, and the version where the program prints it."""
        major, minor = self.number.split(".")[:2]
        facts = {"version": self.shown_version, "number": self.number, "major": major, "minor": minor}
        return " ".join(["-s -w", *(flag.format(**facts) for flag in self.ldflags)])

    def key(self, *toolchain: str) -> str:
        """Names a build: sha256 over go.mod, go.sum, our sources, the flags, and the toolchain given."""
        parts = [path.name.encode() + b"\0" + path.read_bytes() for path in sorted(self.source.iterdir())]
        parts += [f"{name}={package}".encode() for name, package in sorted(self.programs.items())]
        system = ("linux",) if self.contained else ()
        parts += [text.encode() for text in (self.linker_flags(), *self.tags, *system, *toolchain)]
        digest = hashlib.sha256()
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()[:32]


def load(upstream: Path = UPSTREAM) -> dict[str, Component]:
    """All components by name, in the order in which a platform needs them."""
    table = yaml.safe_load((upstream / "components.yaml").read_text())
    return {name: _component(upstream / name, facts) for name, facts in table.items()}


@functools.cache
def components() -> dict[str, Component]:
    """The components of this repository."""
    return load()


def _component(source: Path, facts: dict[str, Any]) -> Component:
    return Component(
        name=source.name,
        source=source,
        module=facts["module"],
        version=required_version(source, facts["module"]),
        programs=facts["programs"],
        ldflags=tuple(facts.get("ldflags", ())),
        tags=tuple(facts.get("tags", ())),
        release=facts.get("release", ""),
        small=facts.get("small", False),
        contained=facts.get("contained", False),
    )


def required_version(source: Path, module: str) -> str:
    """The version at which a go.mod requires a module."""
    text = (source / "go.mod").read_text()
    found = re.search(rf"^(?:require )?\s*{re.escape(module)} (v\S+)", text, re.MULTILINE)
    if not found:
        raise LookupError(f"{source / 'go.mod'} does not require {module}")
    return found[1]
