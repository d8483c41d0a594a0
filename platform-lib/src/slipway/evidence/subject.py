"""The subject: sha256 of everything that a verdict is passed on or that a release ships beside it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from slipway.errors import SlipwayError
from slipway.files import canonical_json, read_yaml, sha256_file, sha256_folder
from slipway.project import ModelPaths

MODULES = ("contract.py", "features.py", "slices.py", "drift_view.py", "model.yaml", "card.md")
_PARAMS = Path("params.yaml")


def subject(paths: ModelPaths) -> dict[str, str]:
    """Sha256, by name, of the data, the model, its code, facts and parameters, as they stand on disk.

    What does not exist is left out, so that a verdict on it counts as stale.
    """
    files = {name: paths.home / name for name in MODULES} | {
        "model.txt": paths.trained / "model.txt",
        "state.json": paths.features / "state.json",
        "sbom.json": paths.sbom,
        "study.json": paths.study / "study.json",
    }
    folders = {
        "validated": paths.validated,
        "features": paths.features,
        "evaluation": paths.evaluation,
        "challenge": paths.challenge,
        "drift": paths.drift,
    }
    found = {name: sha256_file(file) for name, file in files.items() if file.is_file()}
    found |= {name: sha256_folder(folder) for name, folder in folders.items() if folder.is_dir()}
    return found | _params(paths.name)


def _params(model: str) -> dict[str, str]:
    try:
        block = read_yaml(_PARAMS)["models"][model]
    except (SlipwayError, KeyError, TypeError):
        return {}
    return {"params": hashlib.sha256(canonical_json(block)).hexdigest()}
