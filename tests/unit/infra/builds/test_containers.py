"""Images from the store, with an engine that writes layouts and builds nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.builds import containers, debian, executables, go, modules
from infra.builds.catalogue import catalogue
from infra.builds.progress import Progress
from infra.errors import PlatformError, UsageError

from . import layouts


class Engine:
    """Remembers what it was asked to build."""

    def __init__(self, base: str | None) -> None:
        self.name = "recorder"
        self.base = base
        self.contexts: dict[str, list[str]] = {}
        self.arguments: dict[str, dict[str, str]] = {}
        self.bases: dict[str, Path | None] = {}

    def build(self, context: Path, arguments: dict[str, str], base: Path | None, layout: Path) -> None:
        name = layout.parents[1].name
        self.contexts[name] = sorted(str(path.relative_to(context)) for path in context.rglob("*") if path.is_file())
        self.arguments[name], self.bases[name] = arguments, base
        layouts.write(layout, b"base", name.encode())


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Engine:
    made = Engine(None)
    (tmp_path / "module" / "hack").mkdir(parents=True)
    for file in ("entrypoint.sh", "hack/gpg-wrapper.sh", "hack/git-verify-wrapper.sh"):
        (tmp_path / "module" / file).write_text("#!/bin/sh\n")
    (tmp_path / "program").write_text("program")
    monkeypatch.setattr(containers, "engine", lambda: made)
    monkeypatch.setattr(modules, "folder", lambda component: tmp_path / "module")
    monkeypatch.setattr(executables, "program", lambda name: tmp_path / "program")
    monkeypatch.setattr(debian, "bootstrap", lambda packages, archive: archive.write_text(" ".join(packages)))
    monkeypatch.setattr(go, "toolchain", lambda: go.Toolchain("/usr/bin/go", "1.99.0"))
    return made


def test_a_context_holds_sources_programs_and_files_of_the_module(engine: Engine) -> None:
    containers.images(["argocd", "base"])
    wanted = {"Containerfile", "argocd", "helm", "kustomize"}
    assert wanted | {"entrypoint.sh", "gpg-wrapper.sh", "git-verify-wrapper.sh"} == set(engine.contexts["argocd"])
    assert "rootfs.tar" in engine.contexts["base"]


@pytest.mark.parametrize(("image", "environment"), [("slipway-server", "serving"), ("slipway-canary", "canary")])
def test_our_programs_are_built_from_the_library_and_their_lock(engine: Engine, image: str, environment: str) -> None:
    containers.images([image])
    context = engine.contexts[image]
    assert f"environments/{environment}/uv.lock" in context
    assert "platform-lib/src/slipway/__init__.py" in context
    assert not [path for path in context if "__pycache__" in path]


def test_images_are_built_once_on_our_base(engine: Engine) -> None:
    first = containers.images(["redis", "git"])
    engine.contexts.clear()
    lines: list[str] = []
    assert containers.images(["redis", "git"], Progress(lines.append)) == first
    assert engine.contexts == {}
    assert "image redis: in the cache" in lines
    assert engine.bases["redis"] == containers.images(["base"])["base"].layout
    assert engine.arguments["redis"] == {"VERSION": "7.0.15"}
    assert first["redis"].pinned == f"docker.io/library/redis@{first['redis'].digest}"


def test_the_base_s_layer_is_kept_once(engine: Engine) -> None:
    built = containers.images(["redis", "base"])
    shared = built["redis"].blobs()[0]
    assert shared == built["base"].blobs()[0]
    assert built["redis"].blob(shared).samefile(built["base"].blob(shared))


def test_another_base_is_another_image(engine: Engine) -> None:
    on_ours = containers.entry(catalogue().named("redis")).key
    engine.base = "docker.io/library/python:3.11-slim-bookworm"
    assert containers.entry(catalogue().named("redis")).key != on_ours
    containers.images(["redis"])
    assert engine.bases == {"redis": None}


def test_a_changed_blob_is_told_of_and_built_again(engine: Engine) -> None:
    redis = containers.images(["redis"])["redis"]
    redis.blob(redis.blobs()[-1]).write_bytes(b"changed")
    lines: list[str] = []
    again = containers.images(["redis"], Progress(lines.append))["redis"]
    assert again.digest == redis.digest
    assert any("has changed" in line for line in lines)
    assert "image redis: building" in lines


def test_a_failure_of_the_engine_is_told_and_leaves_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(context: Path, arguments: dict[str, str], base: Path | None, layout: Path) -> None:
        raise PlatformError("apt-get failed.", "Check the network.")

    containers.images(["base"])
    monkeypatch.setattr(engine, "build", fail)
    with pytest.raises(PlatformError, match="apt-get failed"):
        containers.images(["redis"])
    entry = containers.entry(catalogue().named("redis"))
    assert [path.name for path in entry.folder.parent.iterdir()] == [f"{entry.key}.lock"]


def test_a_layout_of_two_manifests_is_refused(tmp_path: Path) -> None:
    layouts.write(tmp_path / "oci", b"x")
    index = tmp_path / "oci" / "index.json"
    index.write_text('{"manifests": [{"digest": "sha256:1"}, {"digest": "sha256:2"}]}')
    with pytest.raises(PlatformError, match="2 manifests"):
        containers.read(catalogue().named("git"), tmp_path / "oci")


def test_an_unknown_image_is_a_usage_error(engine: Engine) -> None:
    with pytest.raises(UsageError, match="nothing"):
        containers.images(["nothing"])
