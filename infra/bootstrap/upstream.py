"""Argo CD's manifests, from upstream's module."""

from __future__ import annotations

from pathlib import Path

import yaml

from infra.bootstrap.manifests import Document
from infra.builds import modules
from infra.builds.components import components

_INSTALL = "manifests/install.yaml"


def argocd() -> list[Document]:
    """Upstream's install.yaml of the pinned version, as documents."""
    return read(modules.folder(components()["argo-cd"]) / _INSTALL)


def read(path: Path) -> list[Document]:
    """The documents of a YAML file. With libyaml, because Argo CD's has 26,000 lines."""
    return [document for document in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader) if document]
