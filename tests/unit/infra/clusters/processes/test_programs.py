"""A cluster starts with all of its programs or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import builds
from infra.clusters.processes import programs
from infra.clusters.processes.programs import BUILT, Programs
from infra.errors import PlatformError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in BUILT:
        (tmp_path / name).touch()
    return tmp_path


def test_a_folder_of_all_programs(folder: Path) -> None:
    assert Programs.in_folder(folder)["etcd"] == folder / "etcd"


def test_links_are_followed_to_what_is_mounted(folder: Path, tmp_path: Path) -> None:
    (folder / "etcd").rename(tmp_path / "server")
    (folder / "etcd").symlink_to(tmp_path / "server")
    assert Programs.in_folder(folder)["etcd"] == tmp_path / "server"


def test_missing_programs_are_named(folder: Path) -> None:
    (folder / "etcd").unlink()
    (folder / "kubelet").unlink()
    with pytest.raises(PlatformError, match="etcd, kubelet missing") as error:
        Programs.in_folder(folder)
    assert "--programs" in error.value.remedy


def test_without_a_folder_the_programs_are_those_of_the_pins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "programs", lambda names: {name: folder / name for name in names})
    assert Programs.built() == Programs.in_folder(folder)


def test_programs_of_the_machine_are_asked_for_by_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs.shutil, "which", lambda name: None if name in ("runc", "nft") else f"/usr/bin/{name}")
    monkeypatch.setattr(programs, "CNI_PLUGINS", Path("/nowhere"))
    assert programs.missing_packages() == ["containernetworking-plugins", "nftables", "runc"]
