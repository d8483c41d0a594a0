"""The images of a platform, built from images/ and kept by content as OCI layouts."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from infra.builds import debian, executables, modules, store
from infra.builds.catalogue import Image, catalogue
from infra.builds.components import components
from infra.builds.engines import engine
from infra.builds.progress import Progress, Quiet
from infra.errors import PlatformError
from infra.paths import cache_folder

LAYOUT = "oci"
BASE = "base"
# Most of a build is waiting for apt and the disk.
AT_ONCE = 3


@dataclass(frozen=True)
class BuiltImage:
    """An image in the store: an OCI layout with one manifest."""

    image: Image
    layout: Path
    digest: str

    @property
    def pinned(self) -> str:
        """Its name by digest, e.g. registry.slipway.internal/git@sha256:..."""
        return f"{self.image.repository}@{self.digest}"

    def manifest(self) -> bytes:
        """The OCI manifest, whose sha256 is the digest."""
        return self.blob(self.digest).read_bytes()

    def blob(self, digest: str) -> Path:
        """Where the bytes of a digest are."""
        return self.layout / "blobs" / digest.replace(":", "/")

    def blobs(self) -> list[str]:
        """The digests that the manifest names: layers, and the configuration last."""
        manifest = json.loads(self.manifest())
        return [part["digest"] for part in [*manifest["layers"], manifest["config"]]]


def images(names: Iterable[str] | None = None, progress: Progress | None = None) -> dict[str, BuiltImage]:
    """Build what is missing of the images named, or of all; by name. Raises PlatformError, UsageError."""
    progress = progress or Quiet()
    asked = list(catalogue().images if names is None else names)
    wanted = [catalogue().named(name) for name in asked]
    # First and alone, for the others would only wait for it.
    first = [catalogue().named(BASE)] if any(_on_our_base(image) for image in wanted) else []
    found = {image.name: built(image, progress) for image in first}
    wanted = [image for image in wanted if image.name not in found]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found |= {made.image.name: made for made in pool.map(lambda image: built(image, progress), wanted)}
    return {image: found[image] for image in asked}


def entry(image: Image) -> store.Entry:
    """The store's entry of an image as it is pinned now."""
    circumstances = [engine().name]
    if "BASE" in image.arguments:
        circumstances.append(engine().base or entry(catalogue().named(BASE)).key)
    return store.Entry(cache_folder() / "images", image.name, catalogue().key(image, *circumstances))


def built(image: Image, progress: Progress) -> BuiltImage:
    """One image, built if it is missing or broken."""
    watch = store.Watch(broken=progress.broken, waiting=progress.waiting)
    with progress.part(f"image {image.name}") as part:

        def make(folder: Path) -> None:
            part.building()
            _make(image, folder)

        folder = store.obtain(entry(image), make, watch)
    return read(image, folder / LAYOUT)


def read(image: Image, layout: Path) -> BuiltImage:
    """An image from its layout. Raises PlatformError for a layout without exactly one manifest."""
    manifests = json.loads((layout / "index.json").read_text())["manifests"]
    if len(manifests) != 1:
        raise PlatformError(
            f"{layout} holds {len(manifests)} manifests and should hold one.",
            "Build images without attestations: set BUILDX_NO_DEFAULT_ATTESTATIONS=1.",
        )
    return BuiltImage(image, layout, manifests[0]["digest"])


def _make(image: Image, folder: Path) -> None:
    with store.scratch(folder) as context:
        _fill(image, context)
        base = built(catalogue().named(BASE), Quiet()).layout if _on_our_base(image) else None
        engine().build(context, _arguments(image), base, folder / LAYOUT)
    if base:
        _share(folder / LAYOUT, base)


def _fill(image: Image, context: Path) -> None:
    for name, path in image.files():
        _place(path, context / name, path.stat().st_mode & 0o777)
    for program in image.programs:
        _place(executables.program(program), context / program, 0o755)
    for component, files in image.module_files.items():
        source = modules.folder(components()[component])
        for file in files:
            # The module cache keeps no executable bits.
            _place(source / file, context / Path(file).name, 0o755 if file.endswith(".sh") else 0o644)
    if image.name == BASE:
        packages = (image.source / "debian-packages").read_text().split()
        debian.bootstrap(packages, context / "rootfs.tar")


def _place(source: Path, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def _arguments(image: Image) -> dict[str, str]:
    values = {"VERSION": image.version, "UV": catalogue().uv}
    return {name: values[name] for name in sorted(image.arguments & values.keys())}


def _on_our_base(image: Image) -> bool:
    return "BASE" in image.arguments and engine().base is None


def _share(layout: Path, base: Path) -> None:
    """Keep the base's layer once on the disk: its blobs become hard links."""
    for blob in (base / "blobs" / "sha256").iterdir():
        same = layout / "blobs" / "sha256" / blob.name
        if same.exists():
            same.unlink()
            os.link(blob, same)
