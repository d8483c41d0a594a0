"""Control groups of both versions, on folders that look like them."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.clusters.processes import cgroups
from infra.clusters.processes.cgroups import Hierarchies
from infra.errors import PlatformError

FIRST = """\
tmpfs {root} tmpfs rw 0 0
cgroup {root}/cpu cgroup rw,cpu 0 0
cgroup {root}/cpuset cgroup rw,cpuset 0 0
cgroup2 {root}/unified cgroup2 rw 0 0
"""
SECOND = "cgroup2 {root} cgroup2 rw 0 0\n"


def test_the_first_version_has_a_folder_per_controller(tmp_path: Path) -> None:
    found = Hierarchies.of_this_machine(_mounts(tmp_path, FIRST))
    assert found == Hierarchies(1, (tmp_path / "cpu", tmp_path / "cpuset"))


def test_the_second_version_has_one_folder(tmp_path: Path) -> None:
    assert Hierarchies.of_this_machine(_mounts(tmp_path, SECOND)) == Hierarchies(2, (tmp_path,))


def test_without_control_groups_there_are_none(tmp_path: Path) -> None:
    assert Hierarchies.of_this_machine(_mounts(tmp_path, "proc /proc proc rw 0 0\n")) is None


def test_a_cpuset_of_the_first_version_is_filled_before_anybody_enters(tmp_path: Path) -> None:
    """The kernel makes these files empty; here they are made so beforehand."""
    for group in ("", "slipway-a", "slipway-a/node"):
        (tmp_path / group).mkdir(exist_ok=True)
        (tmp_path / group / "cpuset.cpus").write_text("0-3\n" if not group else "\n")
        (tmp_path / group / "cpuset.mems").write_text("0\n" if not group else "\n")
    cgroups.create("slipway-a", Hierarchies(1, (tmp_path,)))
    assert (tmp_path / "slipway-a/node/cpuset.cpus").read_text() == "0-3\n"
    assert (tmp_path / "slipway-a/node/cpuset.mems").read_text() == "0\n"


def test_the_second_version_hands_on_the_controllers_that_there_are(tmp_path: Path) -> None:
    for group in ("", "slipway-a", "slipway-a/node"):
        (tmp_path / group).mkdir(exist_ok=True)
        (tmp_path / group / "cgroup.controllers").write_text("cpu memory rdma\n")
    cgroups.create("slipway-a", Hierarchies(2, (tmp_path,)))
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +memory"
    assert (tmp_path / "slipway-a/cgroup.subtree_control").read_text() == "+cpu +memory"
    assert not (tmp_path / "slipway-a/node/cgroup.subtree_control").exists()


def test_control_groups_that_cannot_be_made_are_told_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(PlatformError, match=r"control group slipway-a cannot be made: .*No such file"):
        cgroups.create("slipway-a", Hierarchies(1, (tmp_path / "nowhere",)))


def test_processes_are_those_of_the_group_and_below(tmp_path: Path) -> None:
    for group, ids in {"slipway-a": "1\n", "slipway-a/kubepods/pod": "7\n0\n", "slipway-b": "9\n"}.items():
        (tmp_path / group).mkdir(parents=True)
        (tmp_path / group / "cgroup.procs").write_text(ids)
    hierarchies = Hierarchies(2, (tmp_path,))
    assert cgroups.processes("slipway-a", hierarchies) == {1, 7}
    assert cgroups.processes("slipway-a/kubepods", hierarchies) == {7}


def test_groups_of_both_versions_are_found(tmp_path: Path) -> None:
    for group in ("cpu/slipway-a/node", "unified/slipway-a", "cpuset"):
        (tmp_path / group).mkdir(parents=True)
    found = cgroups.existing("slipway-a", _mounts(tmp_path, FIRST))
    assert found == [tmp_path / "cpu/slipway-a", tmp_path / "unified/slipway-a"]


def test_empty_groups_are_removed_with_what_is_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpu/slipway-a/node").mkdir(parents=True)
    monkeypatch.setattr(cgroups.existing, "__defaults__", (_mounts(tmp_path, FIRST),))
    assert cgroups.remove("slipway-a") == []
    assert not (tmp_path / "cpu/slipway-a").exists()


def test_a_group_that_stays_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cpu/slipway-a").mkdir(parents=True)
    (tmp_path / "cpu/slipway-a/stubborn").touch()
    monkeypatch.setattr(cgroups.existing, "__defaults__", (_mounts(tmp_path, FIRST),))
    assert cgroups.remove("slipway-a", patience=0.1) == [tmp_path / "cpu/slipway-a"]


def _mounts(root: Path, text: str) -> Path:
    (root / "mounts").write_text(text.format(root=root))
    return root / "mounts"
