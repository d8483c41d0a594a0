"""The champion: the release that gitops/envs/production/<model>/release.yaml names."""

from __future__ import annotations

import re

from slipway.errors import UsageError
from slipway.files import read_yaml
from slipway.project import ModelPaths
from slipway.release.load import Release, load
from slipway.release.manifest import ReleaseBroken

_DIGEST = re.compile(r"[0-9a-f]{64}")


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
            "Restore it with `git checkout`, or record the release that is in production.",
        )
    return load(folder)


def recorded(paths: ModelPaths) -> str | None:
    """The digest that the champion's record names."""
    record = paths.champion_record
    remedy = f"Write {record} with one line: `champion: null` for a first release, else its release digest."
    if not record.is_file():
        raise UsageError(f"{record} is missing: it must say which release is the champion.", remedy)
    content = read_yaml(record)
    if not isinstance(content, dict) or set(content) != {"champion"}:
        raise UsageError(f"{record} must hold the key `champion` and nothing else.", remedy)
    digest = content["champion"]
    if digest is not None and not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        raise UsageError(f"{record} names champion {digest!r}, which is no release digest (64 hex digits).", remedy)
    return digest
