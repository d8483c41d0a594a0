"""The Go toolchain: the flags of a build, and errors that say what to do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from infra.builds import go
from infra.builds.components import components
from infra.errors import PlatformError

from . import toolchains

# Writes the program that it is asked for, with the command line and the environment as content.
WRITES = (
    'while [ "$1" != -o ]; do all="$all $1"; shift; done; echo "$all CGO=$CGO_ENABLED $GOFLAGS $GOTOOLCHAIN" > "$2"'
)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    go.toolchain.cache_clear()
    yield
    go.toolchain.cache_clear()


def on_path(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_a_build_is_static_stripped_and_changes_no_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toolchains.go(tmp_path / "bin", WRITES)
    on_path(monkeypatch, tmp_path / "bin")
    go.build(components()["kustomize"], tmp_path / "out", tmp_path)
    said = (tmp_path / "out" / "kustomize").read_text()
    for part in ("-trimpath", "-buildvcs=false", "-dwarf=false", "-s -w", "CGO=0", "-mod=readonly local"):
        assert part in said


@pytest.mark.parametrize(("name", "system"), [("seldon-core", "linux"), ("kustomize", "darwin")])
def test_what_runs_in_images_is_built_for_linux_on_a_mac_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, system: str
) -> None:
    toolchains.go(tmp_path / "bin", 'while [ "$1" != -o ]; do shift; done; echo "$GOOS" > "$2"')
    on_path(monkeypatch, tmp_path / "bin")
    monkeypatch.setenv("GOOS", "darwin")
    component = components()[name]
    go.build(component, tmp_path / "out", tmp_path)
    (program,) = component.programs
    assert (tmp_path / "out" / program).read_text() == f"{system}\n"


def test_tags_reach_the_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        'echo "$@" > '
        + str(tmp_path / "said")
        + '; while [ "$1" != -o ]; do shift; done; touch "$2/prometheus" "$2/promtool"'
    )
    toolchains.go(tmp_path / "bin", script)
    on_path(monkeypatch, tmp_path / "bin")
    go.build(components()["prometheus"], tmp_path / "out", tmp_path)
    assert "-tags remove_all_sd,enable_kubernetes_sd" in (tmp_path / "said").read_text()


def test_without_go_the_remedy_is_where_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(PlatformError, match="Go is not on PATH") as caught:
        go.toolchain()
    assert "https://go.dev/dl" in caught.value.remedy


def test_an_old_go_is_refused_with_both_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toolchains.go(tmp_path, "", version="go1.19.8")
    on_path(monkeypatch, tmp_path)
    with pytest.raises(PlatformError, match=r"Go 1\.19\.8 .* too old: the upstream modules ask for 1\.26"):
        go.toolchain()


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("x.go:1: write: no space left on device", "Make room"),
        ("Get https://proxy.golang.org/x: dial tcp: lookup proxy.golang.org: no such host", "GOPROXY"),
        ("compile: signal: killed", "memory"),
        ("main.go:3: undefined: x", "fault of ours"),
    ],
)
def test_what_go_says_decides_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, remedy: str
) -> None:
    toolchains.go(tmp_path, f"echo '{said}' >&2; exit 1")
    on_path(monkeypatch, tmp_path)
    with pytest.raises(PlatformError) as caught:
        go.build(components()["etcd"], tmp_path / "out", tmp_path)
    assert said in caught.value.what
    assert remedy in caught.value.remedy


def test_a_full_disk_is_found_before_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(2**30))
    with pytest.raises(PlatformError, match=r"1\.0 GiB are free .* needs 18 GiB"):
        go.build(components()["etcd"], tmp_path / "out", tmp_path)


def test_a_program_that_go_names_otherwise_is_a_fault_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    toolchains.go(tmp_path, "exit 0")
    on_path(monkeypatch, tmp_path)
    with pytest.raises(PlatformError, match="no program named kube-apiserver"):
        go.build(components()["kubernetes"], tmp_path / "out", tmp_path)
