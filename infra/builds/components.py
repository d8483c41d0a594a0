"""The components that are built from Go modules: what `infra/upstream/components.yaml` and each go.mod say of them."""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

UPSTREAM = Path(__file__).resolve().parents[1] / "upstream"


@dataclass(frozen=True)
class Component:
    """One Go module of ours that pins an upstream project, and the programs that are built from it."""

    name: str
    source: Path
    module: str
    version: str
    programs: dict[str, str]
    ldflags: tuple[str, ...]

    @property
    def number(self) -> str:
        """The version as image tags and some programs want it, without the leading v."""
        return self.version.removeprefix("v")

    def linker_flags(self) -> str:
        """The value of `-ldflags`: no symbol table, no DWARF, and the version where the program prints it."""
        major, minor = self.number.split(".")[:2]
        facts = {"version": self.version, "number": self.number, "major": major, "minor": minor}
        return " ".join(["-s -w", *(flag.format(**facts) for flag in self.ldflags)])

    def key(self, *toolchain: str) -> str:
        """Names a build: sha256 over go.mod, go.sum, our sources, the flags, and the toolchain given."""
        parts = [path.name.encode() + b"\0" + path.read_bytes() for path in sorted(self.source.iterdir())]
        parts += [f"{name}={package}".encode() for name, package in sorted(self.programs.items())]
        parts += [text.encode() for text in (self.linker_flags(), *toolchain)]
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


def _component(source: Path, facts: dict[str, object]) -> Component:
    module, programs, ldflags = str(facts["module"]), facts["programs"], facts.get("ldflags", [])
    if not isinstance(programs, dict) or not isinstance(ldflags, list):
        raise TypeError(f"components.yaml: {source.name}: programs is a table and ldflags is a list")
    return Component(source.name, source, module, required_version(source, module), programs, tuple(ldflags))


def required_version(source: Path, module: str) -> str:
    """The version at which a go.mod requires a module."""
    text = (source / "go.mod").read_text()
    found = re.search(rf"^(?:require )?\s*{re.escape(module)} (v\S+)", text, re.MULTILINE)
    if not found:
        raise LookupError(f"{source / 'go.mod'} does not require {module}")
    return found[1]
