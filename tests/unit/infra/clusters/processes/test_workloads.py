"""What is applied to a bare cluster, and what counts as ready after a restart."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.clusters.processes import volumes, workloads
from infra.clusters.processes.addressing import Ranges
from infra.clusters.processes.images import COREDNS_IMAGE
from infra.clusters.processes.workloads import Kubectl
from infra.errors import PlatformError

RANGES = Ranges.numbered(200)
SINCE = datetime(2026, 11, 24, 12, 0, 0, 500_000, UTC).timestamp()


def test_the_manifests_fit_the_cluster() -> None:
    found = {(each["kind"], each["metadata"]["name"]): each for each in _manifests()}
    assert found["Service", "kube-dns"]["spec"]["clusterIP"] == "10.200.128.10"
    coredns = found["Deployment", "coredns"]["spec"]["template"]["spec"]["containers"][0]
    assert coredns["image"] == COREDNS_IMAGE
    assert found["StorageClass", "standard"]["provisioner"] == volumes.PROVISIONER


def test_the_tag_of_coredns_is_the_version_that_is_built() -> None:
    module = Path(workloads.__file__).parents[2] / "upstream/coredns/go.mod"
    assert f"github.com/coredns/coredns {COREDNS_IMAGE.rpartition(':')[2]}" in module.read_text()


def test_nobody_may_do_everything() -> None:
    rules = [rule for each in _manifests() if each["kind"] == "ClusterRole" for rule in each["rules"]]
    assert rules
    assert not any("*" in value for rule in rules for values in rule.values() for value in values)


@pytest.mark.parametrize(
    ("status", "heartbeat", "ready"),
    [
        ("True", "2026-11-24T12:00:03Z", True),
        ("True", "2026-11-24T12:00:00Z", True),
        ("True", "2026-11-24T11:59:59Z", False),
        ("False", "2026-11-24T12:00:03Z", False),
    ],
)
def test_a_node_is_ready_when_its_kubelet_has_said_so_since_the_start(status: str, heartbeat: str, ready: bool) -> None:
    pressure = {"type": "MemoryPressure", "status": "True", "lastHeartbeatTime": "2026-11-24T12:00:03Z"}
    condition = {"type": "Ready", "status": status, "lastHeartbeatTime": heartbeat}
    assert workloads.is_ready({"status": {"conditions": [pressure, condition]}}, SINCE) is ready


def test_a_node_that_nobody_knows_is_not_ready() -> None:
    assert not workloads.is_ready({}, SINCE)


@pytest.mark.parametrize(
    ("state", "stale"),
    [
        ({"running": {"startedAt": "2026-11-24T11:00:00Z"}}, True),
        ({"running": {"startedAt": "2026-11-24T12:00:00Z"}}, False),
        ({"terminated": {"startedAt": "2026-11-24T11:00:00Z"}}, False),
        ({"waiting": {}}, False),
    ],
)
def test_a_container_that_is_said_to_run_since_before_the_start_is_stale(state: dict[str, Any], stale: bool) -> None:
    assert workloads.is_stale({"status": {"containerStatuses": [{"state": state}]}}, SINCE) is stale


def test_a_pod_without_containers_yet_is_not_stale() -> None:
    assert not workloads.is_stale({"status": {}}, SINCE)


def test_an_api_server_that_keeps_refusing_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workloads, "PATIENCE", 0.0)
    with pytest.raises(PlatformError, match="cannot be applied: no such luck"):
        workloads.apply(_kubectl(tmp_path, "echo no such luck >&2; exit 1"), RANGES)


def test_a_node_that_stays_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workloads, "PATIENCE", 0.0)
    with pytest.raises(PlatformError, match="node slipway-local is not Ready"):
        workloads.wait_until_ready(_kubectl(tmp_path, "exit 1"), "slipway-local", RANGES, SINCE)


def test_a_proxy_of_the_user_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert "PROXY" not in _kubectl(tmp_path, "env").run("get").stdout


def _manifests() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(workloads.manifests(RANGES)))


def _kubectl(folder: Path, script: str) -> Kubectl:
    program = folder / "kubectl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Kubectl(program, folder / "kubeconfig")
