"""The tree of `upstream.git`: what upstream ships for Kubernetes beside its code, as pinned, never in our repository.

Argo CD reads it inside the cluster, so the same manifests are applied where nothing else can be reached.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from infra.builds import modules
from infra.builds.components import components

# By component, the folders of its module. Each comes with the licence that it stands under.
FOLDERS = {
    "envoy-gateway": ("charts/gateway-helm",),
    "metrics-server": ("manifests",),
    "seldon-core": ("config",),
}
LICENCE = "LICENSE"


def key() -> str:
    """Names the tree by the pins that it is made of, without making it."""
    parts = [f"{name} {components()[name].version} {' '.join(folders)}" for name, folders in sorted(FOLDERS.items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def write(tree: Path) -> None:
    """Make the tree in a new folder: `<component>/<folder of its module>/...`. Raises PlatformError.

    The content of a module is verified against go.sum, and a file's mode does not depend on who calls this: one set of
    pins makes one tree.
    """
    tree.mkdir(parents=True)
    for name, folders in FOLDERS.items():
        module = modules.folder(components()[name])
        for folder in folders:
            for source in sorted((module / folder).rglob("*")):
                if source.is_file():
                    _copy(source, tree / name / source.relative_to(module))
        _copy(module / LICENCE, tree / name / LICENCE)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    # Without its mode, which in the module cache is read-only.
    shutil.copyfile(source, target)
    target.chmod(0o644)
