"""The champion comes back from the registry as it was published, or not at all."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from slipway.adapters.registry import NotInRegistry, Registry, RegistryFault
from slipway.errors import SlipwayError, UsageError
from slipway.project import ModelPaths
from slipway.promotion import image
from slipway.promotion.fetch import fetch
from slipway.promotion.platform import Platform
from slipway.promotion.publish import Published, publish
from slipway.release import manifest
from slipway.release.champion import load_champion
from tests.conftest import MODEL, ROOT
from tests.registry_server import RegistryServer, installed

pytestmark = installed
PATHS = ModelPaths(MODEL)


@pytest.fixture
def published(release_folder: Path, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    """The release in the registry, and a monorepo without any whose production runs it."""
    done = publish(release_folder, MODEL, platform)
    top = tmp_path / "top"
    shutil.copytree(ROOT / "gitops/envs", top / "gitops/envs")
    monkeypatch.chdir(top)
    record(done.release, done.image)
    return done


def record(release: str, digest: str) -> None:
    PATHS.champion_record.write_text(f"champion: {{release: {release}, image: {digest}}}\nchallenger: null\n")


def test_it_is_the_very_release(published: Published, platform: Platform, release_folder: Path) -> None:
    with pytest.raises(SlipwayError, match="does not exist") as caught:
        load_champion(PATHS)
    assert f"slipway fetch {MODEL}" in caught.value.remedy
    folder = fetch(PATHS, platform)
    assert folder == PATHS.champion / release_folder.name
    assert manifest.verify(folder) == manifest.verify(release_folder)
    champion = load_champion(PATHS)
    assert champion is not None
    assert champion.digest == release_folder.name


def test_one_that_is_there_is_not_asked_for(published: Published, platform: Platform, server: RegistryServer) -> None:
    folder = fetch(PATHS, platform)
    server.stop()
    assert fetch(PATHS, platform) == folder
    (folder / "model.txt").write_text("")
    with pytest.raises(SlipwayError, match=r"model\.txt"):
        fetch(PATHS, platform)


def test_what_cannot_be_fetched(published: Published, platform: Platform) -> None:
    record("f" * 64, "sha256:" + "0" * 64)
    with pytest.raises(NotInRegistry, match="has no models/flight-delay@sha256:0000"):
        fetch(PATHS, platform)
    record("f" * 64, "null")
    with pytest.raises(UsageError, match="was never published"):
        fetch(PATHS, platform)
    PATHS.champion_record.write_text("champion: null\nchallenger: null\n")
    with pytest.raises(UsageError, match="nothing is in production"):
        fetch(PATHS, platform)
    assert not PATHS.champion.exists() or list(PATHS.champion.iterdir()) == []


def test_an_image_of_another_release(published: Published, platform: Platform) -> None:
    record("f" * 64, published.image)
    with pytest.raises(SlipwayError):
        fetch(PATHS, platform)
    assert list(PATHS.champion.iterdir()) == []


def test_a_damaged_layer(published: Published, platform: Platform, server: RegistryServer) -> None:
    found = Registry(server.url).find("models/flight-delay", published.image)
    assert found is not None
    file = server.blob_file(found.fields["layers"][-1]["digest"])
    file.write_bytes(file.read_bytes().replace(b"tree", b"tref", 1))
    with pytest.raises(RegistryFault, match="is damaged in the registry"):
        fetch(PATHS, platform)
    assert list(PATHS.champion.iterdir()) == []


def test_the_layer_is_the_last_one(published: Published, server: RegistryServer, tmp_path: Path) -> None:
    found = Registry(server.url).find("models/flight-delay", published.image)
    assert found is not None
    with (tmp_path / "layer").open("w+b") as layer:
        image.read_layer(Registry(server.url), "models/flight-delay", found, layer)
        assert layer.tell() == 0
        assert b"manifest.json" in layer.read()
