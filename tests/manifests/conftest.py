"""What Argo CD would apply, built once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.manifests.building import Builder, Manifest
from tests.manifests.schemas import Schemas


@pytest.fixture(scope="session")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    if shutil.which("go") is None:
        pytest.skip("there is no Go on this machine, with which upstream's manifests are taken from its module proxy")
    return Builder.prepare(tmp_path_factory.mktemp("manifests"))


@pytest.fixture(scope="session")
def root(builder: Builder) -> list[Manifest]:
    """What the root Application applies."""
    return builder.root()


@pytest.fixture(scope="session")
def applications(root: list[Manifest]) -> dict[str, Manifest]:
    """The addons' Applications by name."""
    return {one["metadata"]["name"]: one for one in root if one["kind"] == "Application"}


@pytest.fixture(scope="session")
def addons(builder: Builder, applications: dict[str, Manifest]) -> dict[str, list[Manifest]]:
    """What each addon applies."""
    return {name: builder.application(one) for name, one in applications.items()}


@pytest.fixture(scope="session")
def addon_manifests(addons: dict[str, list[Manifest]]) -> list[Manifest]:
    return [manifest for manifests in addons.values() for manifest in manifests]


@pytest.fixture(scope="session")
def schemas(builder: Builder, addon_manifests: list[Manifest]) -> Schemas:
    """The schemas of everything that a cluster of the platform knows."""
    return Schemas(builder.folders["kubernetes"], builder.folders["argo-cd"], addon_manifests)


@pytest.fixture(scope="session")
def promtool(builder: Builder) -> str:
    """Debian's, or the one that is built from its pin."""
    return shutil.which("promtool") or builder.program("promtool")


@pytest.fixture
def addons_folder() -> Path:
    return Path("gitops/addons")
