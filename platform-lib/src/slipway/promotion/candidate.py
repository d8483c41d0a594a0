"""The release that is to be promoted, and the champion beside it: found, verified, and read."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slipway.adapters.git import MAIN, Remote
from slipway.adapters.registry import NotInRegistry, Registry
from slipway.attestation.examine import Examination, Trusted, examine
from slipway.errors import SlipwayError, UsageError
from slipway.progress import step
from slipway.project import ModelPaths
from slipway.promotion import body
from slipway.promotion.change import Change, Described
from slipway.promotion.fetch import bring
from slipway.promotion.order import Standing
from slipway.promotion.platform import Platform
from slipway.promotion.proof import Proof
from slipway.release import keyring, manifest
from slipway.release.find import find
from slipway.release.record import Published
from slipway.rendering.served import ENVIRONMENTS, KEYS, repository

_WHOLE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Sought:
    """What somebody asks to be promoted: a model into an environment, and at least 8 digits of a digest or None."""

    environment: str
    model: str
    release: str | None


def examined(folder: Path, model: str, ring: Path = KEYS) -> Examination:
    """Verify a release as `slipway verify` does, by a key ring if that holds keys.

    Raises:
        GateRed, ReleaseBroken, ReleaseUntrusted: when it does not verify.
        UsageError: when it is another model's.
    """
    key = ring if keyring.load(ring) else None
    with step(f"verifying release {folder.name[:12]}" + (f" by the keys in {ring}" if key else "")):
        found = examine(folder, Trusted(key, None, datetime.now(UTC)))
        if found.error is not None:
            raise found.error
        if found.manifest["model"] != model:
            raise UsageError(
                f"Release {folder.name[:12]} is one of {found.manifest['model']}, not of {model}.",
                "Name its own model.",
            )
    return found


def find_image(platform: Platform, model: str, release: str) -> str:
    """The digest of the image that ``release``, a whole digest, was last published as.

    Raises:
        NotInRegistry: when it was not.
    """
    found = Registry(platform.push_url).find(repository(model), release)
    if found is None:
        raise NotInRegistry(
            f"Release {release[:12]} of {model} is not in the registry {platform.push_url}.",
            f"Publish it: `slipway publish {model} {release[:12]}`.",
        )
    return found.digest


@contextmanager
def sought(asked: Sought, platform: Platform, remote: Remote) -> Iterator[Path]:
    """The folder of the release that is to be promoted, for as long as the block takes.

    It is the one below releases/ that is named, or the only one there. Where none of the model is there, as in a fresh
    clone, it comes out of the registry: the one that is named by its whole digest or, for an environment that another
    one comes before, the champion of that one.

    Raises:
        UsageError: when none is meant; it says which there are.
        NotInRegistry, RegistryFault, ReleaseBroken: when the registry does not have it as it was published.
    """
    try:
        folder = find(asked.release or asked.model).resolve()
    except UsageError:
        digest = asked.release or _before(asked, remote)
        if digest is None or not _WHOLE.fullmatch(digest):
            raise
        image = find_image(platform, asked.model, digest)
        with _brought(Published(release=digest, image=image), asked.model, platform) as folder:
            yield folder
        return
    yield folder


def _before(asked: Sought, remote: Remote) -> str | None:
    """The champion of the environment before, by the remote's main."""
    place = ENVIRONMENTS.index(asked.environment)
    main = remote.branch(MAIN) if place > 0 else None
    if main is None:
        return None
    held = next(Standing(remote, main, remote.top).records(ENVIRONMENTS[place - 1], asked.model), None)
    return held.champion.release if held is not None and held.champion is not None else None


def describer(folder: Path, model: str, platform: Platform) -> Callable[[Change], Described]:
    """What describes the promotion of the release in ``folder``, which is verified at once.

    Raises:
        GateRed, ReleaseBroken, ReleaseUntrusted, UsageError: see :func:`examined`.
    """
    proof = Proof.read(folder, tuple(examined(folder, model).checks))

    def describe(change: Change) -> Described:
        return body.describe(change, proof, _champion(change.beside, model, platform))

    return describe


def _champion(published: Published | None, model: str, platform: Platform) -> Proof | None:
    """The champion, from wherever it is to be had; None where it is not, for it decides nothing."""
    if published is None:
        return None
    paths = ModelPaths(model)
    for home in (paths.releases, paths.champion):
        folder = home / published.release
        try:
            if folder.is_dir() and manifest.verify(folder):
                return Proof.read(folder)
        except SlipwayError:
            continue
    try:
        with _brought(published, model, platform) as folder:
            return Proof.read(folder)
    except SlipwayError:
        return None


@contextmanager
def _brought(published: Published, model: str, platform: Platform) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="slipway-") as scratch:
        yield bring(Registry(platform.push_url), model, published, Path(scratch))
