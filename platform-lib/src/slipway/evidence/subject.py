"""The subject: sha256 of everything that a verdict may have been passed on."""

from __future__ import annotations

from slipway.files import sha256_file, sha256_folder
from slipway.project import ModelPaths


def subject(paths: ModelPaths) -> dict[str, str]:
    """Sha256, by name, of the validated data, the model, the transform and its state, as they stand on disk.

    What does not exist is left out, so that a verdict on it counts as stale.
    """
    files = {
        "model.txt": paths.trained / "model.txt",
        "state.json": paths.features / "state.json",
        "features.py": paths.home / "features.py",
    }
    found = {name: sha256_file(file) for name, file in files.items() if file.is_file()}
    return found | ({"validated": sha256_folder(paths.validated)} if paths.validated.is_dir() else {})
