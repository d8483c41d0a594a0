"""The release that is to be promoted, and the champion beside it: found, verified, and read."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from slipway.adapters.registry import Registry
from slipway.attestation.examine import Examination, Trusted, examine
from slipway.errors import SlipwayError, UsageError
from slipway.progress import step
from slipway.project import ModelPaths
from slipway.promotion import body
from slipway.promotion.change import Change, Described
from slipway.promotion.fetch import bring
from slipway.promotion.platform import Platform
from slipway.promotion.proof import Proof
from slipway.release import keyring, manifest
from slipway.release.record import Published
from slipway.rendering.served import KEYS


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
