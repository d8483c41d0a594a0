"""What PID 1 gives to its components."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.clusters.processes import node
from infra.clusters.processes.addressing import Ranges
from infra.clusters.processes.cgroups import Hierarchies
from infra.clusters.processes.spec import NodeSpec


def test_nothing_of_who_started_the_node_reaches_its_components(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert set(node.environment()) == {"PATH", "HOME", "TMPDIR"}


def test_people_and_volumes_are_served_when_everything_else_is_there() -> None:
    spec = NodeSpec("slipway-local", Path("/state"), Ranges.numbered(200), {})
    names = [component.name for component in node._components(spec, 9)]
    assert names[0] == "containerd"
    assert names[-2:] == ["volume-provisioner", "forwarder"]


def test_only_pods_are_asked_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for group, pid in {"node": 10, "kubepods/pod1": 11, "kubepods/burstable/pod2/c": 12}.items():
        (tmp_path / "slipway-local" / group).mkdir(parents=True)
        (tmp_path / "slipway-local" / group / "cgroup.procs").write_text(f"{pid}\n")
    asked: list[int] = []
    monkeypatch.setattr(node.os, "kill", lambda pid, _: asked.append(pid))
    node.Pods("slipway-local", Hierarchies(2, (tmp_path,))).ask_to_end()
    assert sorted(asked) == [11, 12]


def test_pods_that_do_not_end_are_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "slipway-local/kubepods").mkdir(parents=True)
    (tmp_path / "slipway-local/kubepods/cgroup.procs").write_text("11\n")
    monkeypatch.setattr(node.os, "kill", lambda *_: None)
    monkeypatch.setattr(node, "POD_PATIENCE", 0.0)
    pods = node.Pods("slipway-local", Hierarchies(2, (tmp_path,)))
    pods.ask_to_end()
    pods.wait()
