"""The configuration files say what the traps of such a machine ask for."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from infra.clusters.processes import configuration
from infra.clusters.processes.addressing import Ranges
from infra.clusters.processes.spec import NodeSpec

SPEC = NodeSpec("slipway-local", Path("/state/cluster"), Ranges.numbered(200), {})
FILES = configuration.files(SPEC)


def test_containerd_runs_where_root_may_not_lower_a_score() -> None:
    cri = tomllib.loads(FILES["config/containerd.toml"])["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["restrict_oom_score_adj"]
    assert cri["tolerate_missing_hugetlb_controller"]
    assert cri["containerd"]["runtimes"]["runc"]["options"] == {"SystemdCgroup": False}


@pytest.mark.parametrize("host", [*configuration.MIRRORED, "172.31.200.2:5000"])
def test_images_come_from_the_nodes_own_registry_and_from_nowhere_else(host: str) -> None:
    mirror = tomllib.loads(FILES[f"config/certs.d/{host}/hosts.toml"])
    assert mirror["server"] == "http://172.31.200.2:5000"
    assert list(mirror["host"]) == ["http://172.31.200.2:5000"]


def test_the_kubelet_stays_in_the_stacks_control_group() -> None:
    kubelet = _json("config/kubelet.json")
    assert kubelet["cgroupRoot"] == "/slipway-local"
    assert kubelet["cgroupDriver"] == "cgroupfs"
    assert kubelet["failCgroupV1"] is False
    assert kubelet["oomScoreAdj"] == 0
    assert kubelet["clusterDNS"] == ["10.200.128.10"]


def test_the_kubelet_answers_nobody_unknown() -> None:
    kubelet = _json("config/kubelet.json")
    assert kubelet["authentication"]["anonymous"] == {"enabled": False}
    assert kubelet["authorization"] == {"mode": "Webhook"}


def test_kube_proxy_leaves_the_machines_connection_table_alone() -> None:
    proxy = _json("config/kube-proxy.json")
    assert proxy["mode"] == "nftables"
    assert set(proxy["conntrack"].values()) == {0, "0s"}


def test_pods_reach_themselves_and_keep_to_the_nodes_range() -> None:
    bridge = _json("config/cni/10-slipway.conflist")["plugins"][0]
    assert bridge["hairpinMode"]
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.200.0.0/24"}]]


def test_the_registry_listens_on_the_link_only() -> None:
    assert _json("config/registry.yaml")["http"]["addr"] == "172.31.200.2:5000"


def test_no_file_names_a_path_of_the_machine() -> None:
    assert not any("/state" in text for text in FILES.values())


def _json(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILES[path])
    return found
