"""What is taken from upstream's modules: Argo CD's manifests, and the tree that becomes `upstream.git`."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import yaml

from infra.bootstrap.manifests import Document
from infra.builds import modules
from infra.builds.components import components

_INSTALL = "manifests/install.yaml"
TREE = {"seldon-core": "config", "envoy-gateway": "charts/gateway-helm", "metrics-server": "manifests"}
"""The folder of each component's module that gitops/addons builds upon."""


def argocd() -> list[Document]:
    """Upstream's install.yaml of the pinned version, as documents."""
    return read(modules.folder(components()["argo-cd"]) / _INSTALL)


def read(path: Path) -> list[Document]:
    """The documents of a YAML file. With libyaml, because Argo CD's has 26,000 lines."""
    return [document for document in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader) if document]


def key() -> str:
    """Names the tree of upstream's manifests by the pins that it is made of."""
    pins = [f"{name}/{folder}={components()[name].version}" for name, folder in sorted(TREE.items())]
    return hashlib.sha256("\n".join(pins).encode()).hexdigest()[:16]


def write_tree(target: Path) -> None:
    """Copy those folders to `<target>/<component>/<folder>`; the module cache's are read-only, the copies are not."""
    for name, folder in TREE.items():
        source = modules.folder(components()[name]) / folder
        for path in sorted(path for path in source.rglob("*") if path.is_file()):
            copy = target / name / folder / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
