"""The champion: the release that gitops/envs/production/<model>/release.yaml names."""

from __future__ import annotations

from slipway.errors import UsageError
from slipway.project import ModelPaths
from slipway.release.load import Release, load
from slipway.release.manifest import ReleaseBroken
from slipway.release.record import Record


def load_champion(paths: ModelPaths) -> Release | None:
    """Load the model's champion, or None where its record says ``champion: null`` (a first release).

    Raises:
        UsageError: when the record is missing or malformed; a first release must be declared, not forgotten.
        ReleaseBroken: when the recorded release is not there or does not verify.
    """
    digest = recorded(paths)
    if digest is None:
        return None
    folder = paths.champion / digest
    if not folder.is_dir():
        raise ReleaseBroken(
            f"{paths.champion_record} names champion {digest}, but {folder} does not exist.",
            f"Fetch it: `slipway fetch {paths.name}`; one that is kept in Git is restored by `git checkout`.",
        )
    return load(folder)


def recorded(paths: ModelPaths) -> str | None:
    """The digest that the champion's record names."""
    record = paths.champion_record
    if not record.is_file():
        raise UsageError(
            f"{record} is missing: it must say which release is the champion.",
            f"Write {record}; `champion: null` and `challenger: null` declare a first release.",
        )
    champion = Record.read(record).champion
    return champion.release if champion is not None else None
