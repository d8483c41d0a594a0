"""What is answered about stacks that do not exist, to people who are not root, and about a cluster that runs."""

from __future__ import annotations

import os
from pathlib import Path
from types import ModuleType

import pytest

from infra.clusters.processes import cgroups, claims, layout, lifecycle, network, running, startup
from infra.clusters.processes.addressing import Ranges
from infra.clusters.processes.lifecycle import Cluster
from infra.clusters.processes.programs import Programs
from infra.clusters.processes.spec import PEOPLE_PORTS, NodeSpec
from infra.errors import PlatformError, UsageError

NOTHING: dict[ModuleType, dict[str, object]] = {
    running: {"processes": [], "init": None, "stop": None},
    network: {"remove": None, "leftovers": []},
    cgroups: {"remove": [], "existing": []},
}
"""What is asked of a kernel that has nothing of any stack, and its answers."""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user and a machine that have no stacks. The kernel is out of reach: a stack of the same name may run here."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for module in (layout, claims):
        monkeypatch.setattr(module, "MACHINE", tmp_path / "run")
    for module in (startup, lifecycle):
        monkeypatch.setattr(module, "SYSCTLS", tmp_path / "run/sysctls.json")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    for module, names in NOTHING.items():
        for name, answer in names.items():
            monkeypatch.setattr(module, name, lambda *_, answer=answer: answer)
    return tmp_path / "slipway"


def test_others_than_root_are_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for command in (lifecycle.stop, lifecycle.start, lifecycle.down):
        with pytest.raises(PlatformError, match="you are not root"):
            command("none")


def test_a_stack_that_does_not_exist_can_be_neither_stopped_nor_started(home: Path) -> None:
    (home / "local/cluster").mkdir(parents=True)
    for command in (lifecycle.stop, lifecycle.start):
        with pytest.raises(UsageError, match="There is no stack none") as error:
            command("none")
        assert error.value.remedy == "Choose one of: local."


def test_a_stack_that_does_not_exist_is_absent_and_leaves_nothing() -> None:
    assert lifecycle.status("none").condition == "absent"
    assert lifecycle.leftovers("none") == []


def test_a_machine_that_will_not_do_is_told_so_and_nothing_is_left(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle.preflight, "check", _refuse)
    with pytest.raises(PlatformError, match="99"):
        lifecycle.up("none", Programs({}), say=lambda line: None)
    assert not home.exists()


def test_data_of_a_stack_outlive_an_up_that_fails(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "none/cluster/etcd").mkdir(parents=True)
    monkeypatch.setattr(lifecycle.preflight, "check", _refuse)
    with pytest.raises(PlatformError, match="99"):
        lifecycle.up("none", Programs({}), say=lambda line: None)
    assert (home / "none/cluster/etcd").exists()


def test_a_stopped_stack_is_told_from_an_absent_one(home: Path) -> None:
    found = layout.Layout.of("local")
    found.cluster.mkdir(parents=True)
    found.node_spec.write_text(NodeSpec(found.name, found.cluster, Ranges.numbered(249), {}).to_json())
    assert lifecycle.status("local").condition == "stopped"


def test_other_files_of_a_stack_are_left_to_their_owners(home: Path) -> None:
    (home / "local/cluster").mkdir(parents=True)
    (home / "local/pulumi").mkdir()
    lifecycle.down("local", say=lambda line: None)
    assert [path.name for path in (home / "local").iterdir()] == ["pulumi"]


def test_a_node_port_has_its_url_on_the_loopback(tmp_path: Path) -> None:
    cluster = Cluster("a", tmp_path, "slipway-a", "172.31.200.2", "http://r", PEOPLE_PORTS, Ranges.numbered(200))
    assert cluster.loopback_url(30081) == "http://127.0.0.1:8081"
    assert cluster.to_json()["loopback_urls"]["30085"] == "http://127.0.0.1:8085"
    with pytest.raises(KeyError):
        cluster.loopback_url(30099)


def _refuse(_: object) -> None:
    raise PlatformError("Kernel 99 is needed.", "Wait.")
