"""Publishing into a real registry: once, twice, with a base too few or too many, and what must not be published."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest

from slipway.adapters.registry import OCI_INDEX, NotInRegistry, RegistryFault
from slipway.errors import GateRed, SlipwayError, UsageError
from slipway.evidence import EvidenceRefused
from slipway.promotion import candidate
from slipway.promotion.platform import Platform
from slipway.promotion.publish import publish
from slipway.release import manifest, signing
from slipway.release.manifest import ReleaseBroken
from tests.conftest import MODEL, ROOT
from tests.registry_server import RegistryServer, installed

pytestmark = installed


@pytest.fixture
def release(release_folder: Path, tmp_path: Path) -> Path:
    """A copy to break, outside the monorepo's releases/."""
    return shutil.copytree(release_folder, tmp_path / "releases" / release_folder.name)


def test_twice_is_one_image(release: Path, platform: Platform, server: RegistryServer) -> None:
    first, second = (publish(release, MODEL, platform) for _ in range(2))
    assert (first.already, second.already) == (False, True)
    assert first.image == second.image
    assert first.reference == f"registry.slipway.internal/models/flight-delay@{first.image}"
    assert candidate.find_image(platform, MODEL, release.name) == first.image
    found = server.client.find("models/flight-delay", first.image)
    assert found is not None
    config = json.loads(server.client.blob("models/flight-delay", found.fields["config"]["digest"]))
    assert config["config"]["Labels"]["slipway.release"] == release.name
    assert config["config"]["Labels"]["org.opencontainers.image.base.digest"] == first.base
    assert config["config"]["User"] == "65532:65532"
    layer = server.client.blob("models/flight-delay", found.fields["layers"][-1]["digest"])
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        tar.extractall(release.parents[1] / "out", filter="data")
    unpacked = release.parents[1] / "out" / "release" / release.name
    assert manifest.verify(unpacked)["model"] == MODEL


def test_another_registry_gets_the_very_same_image(release: Path, platform: Platform, tmp_path: Path) -> None:
    first = publish(release, MODEL, platform)
    with RegistryServer(tmp_path / "other") as other:
        other.push_server_image()
        again = publish(release, MODEL, Platform("registry.slipway.internal", other.url, "x"))
    assert again == first


def test_a_new_server_makes_a_new_image(release: Path, platform: Platform, server: RegistryServer) -> None:
    first = publish(release, MODEL, platform)
    digest = server.push_server_image("next", b"a newer server")
    by_tag, by_digest = (publish(release, MODEL, platform, f"slipway-server{it}") for it in (":next", f"@{digest}"))
    assert by_tag.image == by_digest.image != first.image
    assert candidate.find_image(platform, MODEL, release.name) == by_tag.image


@pytest.mark.parametrize("base", ["slipway-server:nope", "nobody:latest", f"slipway-server@sha256:{'0' * 64}"])
def test_a_base_that_is_not_there(release: Path, platform: Platform, base: str) -> None:
    with pytest.raises(UsageError, match="has no server image"):
        publish(release, MODEL, platform, base)


@pytest.mark.parametrize("base", ["slipway-server", ":latest", "slipway-server:", "@"])
def test_a_base_that_is_no_name(release: Path, platform: Platform, base: str) -> None:
    with pytest.raises(UsageError, match="does not name a server image"):
        publish(release, MODEL, platform, base)


def index(server: RegistryServer, tag: str, *systems: str) -> None:
    """Tag an index of images, one for each name of an operating system."""
    digest = server.push_server_image("one")
    size = len(server.client.find("slipway-server", digest).content)  # type: ignore[union-attr]
    kind = "application/vnd.oci.image.manifest.v1+json"
    entries = [
        {"mediaType": kind, "digest": digest, "size": size, "platform": {"os": system, "architecture": "x"}}
        for system in systems
    ]
    content = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    server.client.tag("slipway-server", tag, OCI_INDEX, json.dumps(content).encode())


def test_a_base_for_several_platforms(release: Path, platform: Platform, server: RegistryServer) -> None:
    index(server, "many", "linux", "plan9")
    with pytest.raises(UsageError, match="has 2 platforms: linux/x sha256"):
        publish(release, MODEL, platform, "slipway-server:many")
    index(server, "attested", "linux", "unknown")
    assert publish(release, MODEL, platform, "slipway-server:attested").image


def nothing_published(server: RegistryServer, release: Path) -> bool:
    return server.client.find("models/flight-delay", release.name) is None


def test_a_changed_release(release: Path, platform: Platform, server: RegistryServer) -> None:
    with (release / "model.txt").open("ab") as file:
        file.write(b" ")
    with pytest.raises(ReleaseBroken, match=r"model\.txt"):
        publish(release, MODEL, platform)
    assert nothing_published(server, release)


def test_a_red_gate(release: Path, platform: Platform, server: RegistryServer) -> None:
    evidence = json.loads((release / "evidence.json").read_text())
    evidence["verdicts"]["leakage"]["passed"] = False
    (release / "evidence.json").write_text(json.dumps(evidence))
    (release / "manifest.json").unlink()
    red = release.rename(release.with_name(manifest.write(release, MODEL)))
    with pytest.raises((GateRed, EvidenceRefused), match="leakage") as caught:
        publish(red, MODEL, platform)
    assert caught.value.exit_code == 1
    assert nothing_published(server, red)


def test_another_model_s_release(release: Path, platform: Platform) -> None:
    with pytest.raises(UsageError, match=f"is one of {MODEL}, not of other"):
        publish(release, "other", platform)


def test_a_registry_that_is_away(release: Path, platform: Platform, server: RegistryServer) -> None:
    server.stop()
    with pytest.raises(RegistryFault, match="cannot be reached"):
        publish(release, MODEL, platform)


def test_a_release_that_nobody_published(platform: Platform) -> None:
    with pytest.raises(NotInRegistry, match=r"is not in the registry.*slipway publish"):
        candidate.find_image(platform, MODEL, "0" * 64)


def test_with_keys_in_the_ring_an_unsigned_release_is_refused(
    release: Path, platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signing.new_keys(tmp_path / "mine.pem")
    ring = shutil.copytree(ROOT / "gitops/keys", tmp_path / "gitops/keys")
    shutil.copy(tmp_path / "mine.pem.pub", ring)
    (ring / "keys.yaml").write_text("keys: [{file: mine.pem.pub}]\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SlipwayError, match="has no signature"):
        publish(release, MODEL, platform)
