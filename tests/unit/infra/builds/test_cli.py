"""python -m infra.builds."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.builds import cli, containers, executables, go, patches
from infra.builds.catalogue import catalogue
from infra.builds.components import Component, components

RUN = CliRunner()


class Engine:
    """One that is never asked to build."""

    name = "none"
    base: str | None = None


@pytest.fixture(autouse=True)
def images(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images that were asked for."""
    wanted: list[str] = []
    monkeypatch.setattr(containers, "images", lambda names, progress: wanted.extend(names))
    monkeypatch.setattr(containers, "engine", Engine)
    monkeypatch.setattr(cli, "engine", Engine)
    return wanted


@pytest.fixture(autouse=True)
def builds(monkeypatch: pytest.MonkeyPatch) -> None:
    def build(component: Component, into: Path, source: Path) -> None:
        for name in component.programs:
            (into / name).write_text(name)

    monkeypatch.setattr(go, "build", build)
    monkeypatch.setattr(patches, "patched", lambda component: nullcontext(component.source))
    monkeypatch.setattr(go, "toolchain", lambda: go.Toolchain("/usr/bin/go", "1.99.0"))


def test_warm_builds_what_is_named_and_counts_down() -> None:
    result = RUN.invoke(cli.app, ["warm", "etcd", "kustomize", "--json"])
    assert [(row["name"], row["state"]) for row in json.loads(result.stdout)] == [
        ("etcd", "built"),
        ("kustomize", "built"),
    ]
    assert "etcd: built in 0 s (1 left)" in result.stderr
    again = RUN.invoke(cli.app, ["warm", "etcd", "--json"])
    assert json.loads(again.stdout)[0]["state"] == "cached"


def test_warm_builds_programs_and_images_of_all_names(images: list[str]) -> None:
    result = RUN.invoke(cli.app, ["warm", "--json"])
    assert [row["name"] for row in json.loads(result.stdout)] == list(components())
    assert images == list(catalogue().images)


def test_a_name_is_that_of_a_component_and_of_an_image(images: list[str]) -> None:
    RUN.invoke(cli.app, ["warm", "prometheus", "redis", "etcd"])
    assert images == ["redis", "prometheus"]


def test_with_docker_only_our_images_are_built(images: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "base", "docker.io/library/python:3.11-slim-bookworm")
    RUN.invoke(cli.app, ["warm"])
    assert set(images) == {"git", "mlflow", "seldon-core-operator", "slipway-canary", "slipway-server"}


def test_list_tells_what_is_cached() -> None:
    RUN.invoke(cli.app, ["warm", "etcd"])
    listed = json.loads(RUN.invoke(cli.app, ["list", "--json"]).stdout)
    assert len(listed) == len(components()) + len(catalogue().images)
    rows = {row["name"]: row for row in listed if row["kind"] == "program"}
    assert rows["etcd"]["cached"]
    assert rows["etcd"]["bytes"] > 0
    assert not rows["kubernetes"]["cached"]
    assert rows["etcd"]["version"] == components()["etcd"].version


def test_path_builds_and_prints_one_line() -> None:
    result = RUN.invoke(cli.app, ["path", "kubectl"])
    assert Path(result.stdout.strip()).read_text() == "kubectl"


def test_verify_names_the_broken_entry_and_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    executables.program("etcd").write_text("changed")
    monkeypatch.setattr("sys.argv", ["infra.builds", "verify"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 3
    told = capsys.readouterr()
    assert "etcd: etcd has changed" in told.out
    assert "warm" in told.err


def test_a_wrong_name_is_a_usage_error(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["infra.builds", "warm", "kubernets"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 2
    assert "kubernetes" in capsys.readouterr().err
