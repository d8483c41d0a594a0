"""The images that a platform runs: what versions.yaml, images/images.yaml and each Containerfile say of them."""

from __future__ import annotations

import functools
import hashlib
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from infra.builds.components import Component, components
from infra.errors import UsageError
from infra.names import OWN_REGISTRY
from infra.paths import REPOSITORY

# What a checkout holds beside its sources.
NOT_SOURCES = {"__pycache__", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache", "build", "dist"}


@dataclass(frozen=True)
class Image:
    """One image as it is pinned: its folder, its name, and what goes into its context."""

    name: str
    source: Path
    repository: str
    tag: str
    programs: tuple[str, ...] = ()
    module_files: dict[str, tuple[str, ...]] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()

    @property
    def reference(self) -> str:
        """The name under which manifests know it."""
        return f"{self.repository}:{self.tag}"

    @property
    def path(self) -> str:
        """The repository's path in a registry: the name without its host."""
        return self.repository.partition("/")[2]

    @property
    def ours(self) -> bool:
        return self.repository.startswith(f"{OWN_REGISTRY}/")

    @property
    def containerfile(self) -> Path:
        return self.source / "Containerfile"

    @property
    def arguments(self) -> frozenset[str]:
        """The build arguments that its Containerfile declares, of BASE, VERSION and UV."""
        return frozenset(re.findall(r"^ARG (\w+)$", self.containerfile.read_text(), re.MULTILINE))

    @property
    def version(self) -> str:
        """The version in its tag, as packages know it: without a v and what stands before."""
        found = re.search(r"\d[\d.]*", self.tag)
        return found[0] if found else self.tag

    def components(self) -> tuple[Component, ...]:
        """The Go components that it takes something from."""
        known = components().values()
        return tuple(
            component
            for component in known
            if component.programs.keys() & set(self.programs) or component.name in self.module_files
        )

    def files(self) -> Iterator[tuple[str, Path]]:
        """The files of its own folder and of the repository's folders, by their path in the build context."""
        for path in _sources(self.source):
            yield str(path.relative_to(self.source)), path
        for folder in self.folders:
            for path in _sources(folder):
                yield str(path.relative_to(REPOSITORY)), path


@dataclass(frozen=True)
class Catalogue:
    """All images by name, in the order in which a platform needs them, and the pins that they share."""

    images: dict[str, Image]
    uv: str
    snapshot: str
    base_image: str

    def named(self, name: str) -> Image:
        """One image. Raises UsageError for a name that is not there."""
        if name not in self.images:
            raise UsageError(f"There is no image named {name}.", f"There are: {', '.join(self.images)}.")
        return self.images[name]

    def key(self, image: Image, *circumstances: str) -> str:
        """Names a build: sha256 over the context's sources, the Go components' pins, the tag, and the circumstances."""
        parts = [path.encode() + b"\0" + file.read_bytes() for path, file in image.files()]
        parts += [component.key().encode() for component in image.components()]
        shared = [self.snapshot, platform.machine(), image.repository]
        shared += [self.uv] if "UV" in image.arguments else []
        shared += [image.version] if "VERSION" in image.arguments else []
        digest = hashlib.sha256()
        for part in [*parts, *(text.encode() for text in (*shared, *circumstances))]:
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.hexdigest()[:32]


def load(repository: Path = REPOSITORY) -> Catalogue:
    """The catalogue of a checkout."""
    pins = yaml.safe_load((repository / "versions.yaml").read_text())
    contexts = yaml.safe_load((repository / "images" / "images.yaml").read_text())
    images = {name: _image(repository, name, pins["images"][name], context) for name, context in contexts.items()}
    return Catalogue(images, pins["uv"], pins["debian-snapshot"], pins["base-image"])


@functools.cache
def catalogue() -> Catalogue:
    """The catalogue of this repository."""
    return load()


def _image(repository: Path, name: str, pin: dict[str, str], context: dict[str, Any]) -> Image:
    tag = pin.get("tag", "latest")
    if "component" in pin:
        component = components()[pin["component"]]
        tag = tag.format(version=component.shown_version)
    return Image(
        name=name,
        source=repository / "images" / name,
        repository=pin["repository"],
        tag=tag,
        programs=tuple(context.get("programs", ())),
        module_files={name: tuple(files) for name, files in context.get("module", {}).items()},
        folders=tuple(repository / folder for folder in context.get("repository", ())),
    )


def _sources(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in found if not NOT_SOURCES & set(path.relative_to(folder).parts))
