"""Does what a release derived from its contract follow from it?

The contract is code, and a release that is being verified is not trusted yet: none of its code is run here. Where the
monorepo holds the same contract, byte for byte, its own copy is asked; for any other release ``slipway rebuild`` is.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from slipway import project
from slipway.errors import UsageError
from slipway.evidence import EvidenceRefused
from slipway.files import canonical_json, read_json, sha256_file

CONTRACT = "model/contract.py"


def check_signature(folder: Path, manifest: dict[str, Any]) -> bool:
    """Check that signature.json follows from the contract in the release.

    Args:
        folder: the release.
        manifest: its verified manifest.

    Returns:
        Whether it could be checked: whether the monorepo has the same contract.

    Raises:
        EvidenceRefused: when it does not follow.
    """
    # They bring pandera, which who serves a release does without.
    from slipway.contracts import derivation, signature

    try:
        own = project.module(manifest["model"], "contract")
    except UsageError:
        return False
    if manifest["files"][CONTRACT]["sha256"] != sha256_file(Path(inspect.getfile(own))):
        return False
    if canonical_json(read_json(folder / "signature.json")) != canonical_json(
        signature.as_json(derivation.derive(own.RAW))
    ):
        raise EvidenceRefused(
            "The request rules in signature.json do not follow from the contract in model/contract.py.",
            "Such a release was not made by `dvc repro`; do not use it.",
        )
    return True
