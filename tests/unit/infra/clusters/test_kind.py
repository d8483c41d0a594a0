from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from infra.clusters import kind
from infra.clusters.kind import KindNode
from infra.errors import PlatformError
from infra.settings import Kind, Ports, StackSettings

PORTS = Ports().model_dump()
ENGINE = """#!/bin/sh
echo "$(basename "$0") $*" >> "$LOG"
case "$1" in
  ps) ls "$CONTAINERS" | grep -x "$(echo "$*" | sed 's/.*name=^\\(.*\\)\\$/\\1/')" ;;
  run) for last in "$@"; do case "$previous" in --name) touch "$CONTAINERS/$last" ;; esac; previous=$last; done ;;
  rm) rm "$CONTAINERS/$4" ;;
  exec) cat > "$LOG.stdin" ;;
  inspect) case "$*" in *Running*) echo true ;; *) cat "$LOG.networks" 2>/dev/null ;; esac ;;
  network) echo kind > "$LOG.networks" ;;
esac
exit 0
"""
KIND = """#!/bin/sh
echo "kind $* ($KIND_EXPERIMENTAL_PROVIDER)" >> "$LOG"
case "$1 $2" in
  "create cluster") cat > "$LOG.config"; touch "$CONTAINERS/$4-control-plane" "$LOG.cluster.$4" ;;
  "get clusters") ls "$LOG".cluster.* 2>/dev/null | sed 's/.*cluster\\.//' ;;
  "get kubeconfig") echo "kubeconfig of $4" ;;
  "delete cluster") rm "$CONTAINERS/$4-control-plane" "$LOG.cluster.$4" ;;
esac
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands that keep containers as files, and log how they are called."""
    programs, containers, log = tmp_path / "bin", tmp_path / "containers", tmp_path / "log"
    programs.mkdir()
    containers.mkdir()
    for name, text in (("docker", ENGINE), ("podman", ENGINE), ("kind", KIND)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    monkeypatch.setenv("LOG", str(log))
    monkeypatch.setenv("CONTAINERS", str(containers))
    log.touch()
    return log


@pytest.mark.parametrize("engine", ["docker", "podman"])
def test_create_makes_registry_and_cluster_and_points_one_at_the_other(log: Path, engine: str) -> None:
    assert KindNode("test", engine).create(PORTS, 5001) == "kubeconfig of slipway-test\n"
    lines = log.read_text().splitlines()
    assert any(line.startswith(f"{engine} run -d --restart=always -p 127.0.0.1:5001:5000") for line in lines)
    assert f"kind create cluster --name slipway-test --config=- --wait=120s ({engine})" in lines
    assert f"{engine} network connect kind slipway-test-registry" in lines
    assert Path(f"{log}.stdin").read_text() == '[host."http://slipway-test-registry:5000"]\n'
    assert any("certs.d/registry.slipway.internal/hosts.toml" in line for line in lines)


def test_the_cluster_listens_on_the_loopback_alone(log: Path) -> None:
    KindNode("test", "docker").create(PORTS, 5001)
    config = yaml.safe_load(Path(f"{log}.config").read_text())
    mappings = config["nodes"][0]["extraPortMappings"]
    assert {one["listenAddress"] for one in mappings} == {"127.0.0.1"}
    assert {one["hostPort"]: one["containerPort"] for one in mappings} == {8080 + i: 30080 + i for i in range(6)}
    assert 'config_path = "/etc/containerd/certs.d"' in config["containerdConfigPatches"][0]


def test_a_second_create_makes_nothing_again(log: Path) -> None:
    KindNode("test", "docker").create(PORTS, 5001)
    log.write_text("")
    KindNode("test", "docker").create(PORTS, 5001)
    again = log.read_text()
    assert "create cluster" not in again
    assert " run " not in again
    assert "network connect" not in again


def test_delete_leaves_nothing_and_may_be_repeated(log: Path, tmp_path: Path) -> None:
    node = KindNode("test", "docker")
    node.create(PORTS, 5001)
    node.delete()
    assert list((tmp_path / "containers").iterdir()) == []
    log.write_text("")
    node.delete()
    assert " rm " not in log.read_text()
    assert "delete cluster" not in log.read_text()


def test_provider_follows_the_containers(log: Path) -> None:
    assert kind.PROVIDER.status("test").state == "absent"
    KindNode("test", "docker").create(PORTS, 5001)
    assert kind.PROVIDER.status("test").state == "running"
    kind.PROVIDER.stop("test")
    kind.PROVIDER.start("test")
    assert "docker stop slipway-test-control-plane slipway-test-registry" in log.read_text()
    assert "docker start slipway-test-registry slipway-test-control-plane" in log.read_text()
    kind.PROVIDER.remove("test")
    assert kind.PROVIDER.status("test").state == "absent"
    with pytest.raises(PlatformError, match="No container engine has the cluster of stack test"):
        kind.PROVIDER.stop("test")


def test_a_failing_command_is_told_with_what_it_said(log: Path) -> None:
    failing = log.parent / "bin" / "kind"
    failing.write_text("#!/bin/sh\necho 'ERROR: port is already allocated' >&2\nexit 1\n")
    with pytest.raises(PlatformError, match="port is already allocated"):
        KindNode("test", "docker").create(PORTS, 5001)


def test_the_engine_that_is_named_must_answer(log: Path) -> None:
    (log.parent / "bin" / "podman").write_text("#!/bin/sh\nexit 1\n")
    assert kind.engine(StackSettings()) == "docker"
    with pytest.raises(PlatformError, match="podman does not answer"):
        kind.engine(StackSettings(kind=Kind(engine="podman")))


def test_drift_is_seen_when_somebody_has_deleted_the_cluster(log: Path) -> None:
    props = {"stack": "test", "engine": "docker", "ports": PORTS, "registry_port": 5001.0}
    made = kind.NodeProvider().create(props)
    assert kind.NodeProvider().read(made.id, made.outs).id == "slipway-test"
    KindNode("test", "docker").delete()
    assert kind.NodeProvider().read(made.id, made.outs).id == ""
    assert not kind.NodeProvider().diff(made.id, made.outs, props).changes
    assert kind.NodeProvider().diff(made.id, made.outs, {**props, "registry_port": 5002}).replaces == ["registry_port"]
