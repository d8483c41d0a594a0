"""The champion out of the registry: the pipeline compares every new release with it, wherever it runs."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from slipway.adapters.registry import Manifest, NotInRegistry, Registry
from slipway.attestation import archive
from slipway.errors import UsageError
from slipway.files import replacing
from slipway.progress import step
from slipway.project import ModelPaths
from slipway.promotion.image import read_layer
from slipway.promotion.platform import Platform
from slipway.release import manifest
from slipway.release.manifest import ReleaseBroken
from slipway.release.record import Published, Record
from slipway.rendering.served import IMAGE_FOLDER, repository


def fetch(paths: ModelPaths, platform: Platform) -> Path:
    """Bring the model's champion from its image to where the pipeline looks for it, if it is not there.

    Returns:
        The champion's folder, which verifies.

    Raises:
        UsageError: when nothing is in production, or production's champion was never published.
        NotInRegistry, RegistryFault, ReleaseBroken: when the registry does not have it as it was published.
    """
    champion = Record.read(paths.champion_record).champion
    if champion is None:
        raise UsageError(
            f"{paths.champion_record} declares that nothing is in production.", "There is nothing to fetch."
        )
    target = paths.champion / champion.release
    if target.is_dir():
        manifest.verify(target)
    else:
        with step(f"fetching champion {champion.release[:12]} from {platform.push_url}"), replacing(target) as staged:
            _unpack(Registry(platform.push_url), repository(paths.name), champion, staged)
    return target


def bring(registry: Registry, model: str, published: Published, into: Path) -> Path:
    """Bring a release out of its image into the folder ``into``, with the statements about it beside it.

    Returns:
        The release's folder, which verifies.

    Raises:
        UsageError, NotInRegistry, RegistryFault, ReleaseBroken: as for :func:`fetch`.
    """
    target = into / published.release
    _unpack(registry, repository(model), published, target)
    return target


def _unpack(registry: Registry, name: str, published: Published, target: Path) -> None:
    if published.image is None:
        raise UsageError(
            f"Release {published.release[:12]} was never published, so no registry has it.",
            "Restore its folder with `git checkout`.",
        )
    found = registry.find(name, published.image)
    if found is None:
        raise NotInRegistry(
            f"{registry.url} has no {name}@{published.image}.", "Name another platform with --platform."
        )
    target.mkdir()
    inside = f"{IMAGE_FOLDER.strip('/')}/{published.release}"
    places = {f"{inside}/": target} | {f"{inside}{suffix}": target.parent for suffix in archive.SUFFIXES}
    try:
        _extract(registry, name, found, places)
    except (tarfile.TarError, LookupError, TypeError) as error:
        raise ReleaseBroken(
            f"{name}@{published.image} is no image of a release ({error!r}).", "Publish the release again."
        ) from error
    manifest.verify(target, published.release)


def _extract(registry: Registry, name: str, image: Manifest, places: Mapping[str, Path]) -> None:
    """Extract what begins with one of ``places`` into the folder that belongs to it."""
    with tempfile.TemporaryFile() as layer:
        read_layer(registry, name, image, layer)
        with tarfile.open(fileobj=layer, mode="r:") as tar:
            for member in tar.getmembers():
                begin = next((begin for begin in places if member.name.startswith(begin)), None)
                if member.isfile() and begin is not None:
                    whole = begin.endswith("/")
                    member.name = member.name.removeprefix(begin if whole else f"{IMAGE_FOLDER.strip('/')}/")
                    tar.extract(member, places[begin], filter="data")
