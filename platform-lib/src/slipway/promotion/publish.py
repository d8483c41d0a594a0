"""Publishing: a release becomes an image in the platform's registry, found there by the release's digest as its tag."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from slipway.adapters.registry import OCI_MANIFEST, Registry, digest_of
from slipway.attestation import archive
from slipway.errors import UsageError
from slipway.files import read_yaml
from slipway.progress import step
from slipway.promotion import image
from slipway.promotion.candidate import examined
from slipway.promotion.image import Base, Image, Layer
from slipway.promotion.platform import Platform
from slipway.release import statement
from slipway.rendering.served import repository

DEFAULT_BASE = "slipway-server:latest"


@dataclass(frozen=True)
class Published:
    """A release in the registry.

    Attributes:
        image: the digest of its image.
        reference: the whole name of the image, as the cluster resolves it.
        base: the digest of the server's image that it stands on.
        signed: whether a key of the ring signed it; False where the ring is empty and nobody was asked.
        already: whether the registry had it before.
    """

    model: str
    release: str
    image: str
    reference: str
    base: str
    signed: bool
    already: bool


def publish(folder: Path, model: str, platform: Platform, base: str = DEFAULT_BASE) -> Published:
    """Publish the release in ``folder``; publishing twice changes nothing. The top folder must be the working one.

    Args:
        folder: the release.
        model: of which it must be.
        platform: whose registry gets it.
        base: the server's image in that registry, as NAME:TAG or NAME@DIGEST.

    Raises:
        UsageError: when the release is another model's, or there is no such base.
        GateRed, ReleaseBroken, ReleaseUntrusted: when it does not verify; with the key ring, if that holds keys.
        RegistryFault: when the registry is away or refuses.
    """
    folder = folder.resolve()
    signed = examined(folder, model).verdict is not None
    registry, name = Registry(platform.push_url), repository(model)
    with step(f"finding the server image {base}"):
        stands_on = image.find_base(registry, *_parts(base))
    with tempfile.TemporaryFile() as content:
        layer = image.write_layer(folder, _statements(folder, model), content)
        made = image.compose(stands_on, layer, model, folder.name, _labels(folder))
        found = registry.find(name, folder.name)
        already = found is not None and found.digest == made.digest
        if not already:
            with step(f"pushing {name} {made.digest[:19]} to {platform.push_url}"):
                content.seek(0)
                _push(registry, name, (stands_on, layer, made), content)
                registry.tag(name, folder.name, OCI_MANIFEST, made.manifest)
    reference = f"{platform.registry}/{name}@{made.digest}"
    return Published(model, folder.name, made.digest, reference, stands_on.digest, signed, already)


def _parts(base: str) -> tuple[str, str]:
    """Repository and tag or digest."""
    for separator in ("@", ":"):
        name, found, reference = base.rpartition(separator)
        if found and name and reference:
            return name, reference
    raise UsageError(f"{base!r} does not name a server image.", "Write it as NAME:TAG or NAME@sha256:...")


def _statements(folder: Path, model: str) -> list[Path]:
    found = (statement.beside(folder, model, suffix) for suffix in archive.SUFFIXES)
    return [file for file in found if file.is_file()]


def _labels(folder: Path) -> dict[str, str]:
    told = read_yaml(folder / "model.yaml")
    names = {"title": "title", "description": "purpose", "licenses": "licence", "authors": "owner"}
    found = {label: str(told[key]).strip() for label, key in names.items() if told.get(key)}
    return {f"org.opencontainers.image.{label}": said for label, said in {**found, "version": folder.name[:12]}.items()}


def _push(registry: Registry, name: str, parts: tuple[Base, Layer, Image], content: IO[bytes]) -> None:
    base, layer, made = parts
    for held in base.layers:
        if not registry.has(name, held["digest"]):
            registry.take(name, held["digest"], base.repository)
    if not registry.has(name, layer.digest):
        registry.upload(name, layer.digest, content, layer.size)
    config = digest_of(made.config)
    if not registry.has(name, config):
        registry.upload(name, config, io.BytesIO(made.config), len(made.config))
