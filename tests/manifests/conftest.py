"""What Argo CD would apply, built once."""

from __future__ import annotations

import shutil

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
    """The Applications of addons and apps by name."""
    return {one["metadata"]["name"]: one for one in root if one["kind"] == "Application"}


@pytest.fixture(scope="session")
def delivered(builder: Builder, applications: dict[str, Manifest]) -> dict[str, list[Manifest]]:
    """What each addon and each app applies."""
    return {name: builder.application(one) for name, one in applications.items()}


@pytest.fixture(scope="session")
def delivered_manifests(delivered: dict[str, list[Manifest]]) -> list[Manifest]:
    return [manifest for manifests in delivered.values() for manifest in manifests]


@pytest.fixture(scope="session")
def schemas(builder: Builder, delivered_manifests: list[Manifest]) -> Schemas:
    """The schemas of everything that a cluster of the platform knows."""
    return Schemas(builder.folders["kubernetes"], builder.folders["argo-cd"], delivered_manifests)


@pytest.fixture(scope="session")
def promtool(builder: Builder) -> str:
    """Debian's, or the one that is built from its pin."""
    return shutil.which("promtool") or builder.program("promtool")
