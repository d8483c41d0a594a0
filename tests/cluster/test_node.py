"""A bare cluster of processes: a real Kubernetes, healed when something in it dies, and gone without a trace."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from string import Template

import pytest

from infra.clusters.processes.images import Image, push
from tests.cluster.bare_node import BareNode, busybox, eventually, kill, traces

COMPONENTS = (
    "containerd", "registry", "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet",
    "kube-proxy", "volume-provisioner", "forwarder",
)  # fmt: skip
IMAGE = "registry.slipway.internal/busybox:test"
WEB = Path(__file__).with_name("web.yaml")


@pytest.fixture
def web(node: BareNode, namespace: str) -> str:
    """A web server of one restricted pod, which writes its page once, on a volume; its namespace."""
    _push_busybox(node)
    manifest = Template(WEB.read_text()).substitute(image=IMAGE)
    node.kubectl("apply", "-n", namespace, "-f-", stdin=manifest)
    node.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=90s")
    return namespace


def test_the_node_is_a_ready_kubernetes(node: BareNode) -> None:
    (found,) = json.loads(node.kubectl("get", "nodes", "-o", "json"))["items"]
    assert found["status"]["nodeInfo"]["kubeletVersion"].startswith("v1.34.")
    ready = next(each for each in found["status"]["conditions"] if each["type"] == "Ready")
    assert ready["status"] == "True"


def test_a_restricted_pod_runs_and_answers_through_the_loopback(node: BareNode, web: str) -> None:
    _expose(node, web)
    eventually(lambda: _page(node) is not None)
    assert _page(node) == _file(node, web)


def test_pods_resolve_names_of_the_cluster_and_no_others(node: BareNode, web: str) -> None:
    address = node.kubectl("get", "service", "web", "-n", web, "-o", "jsonpath={.spec.clusterIP}")
    assert address in _in_pod(node, web, "nslookup", f"web.{web}.svc.cluster.local")
    with pytest.raises(AssertionError, match="exit code"):
        _in_pod(node, web, "nslookup", "example.com")


def test_a_pod_reaches_itself_through_its_service(node: BareNode, web: str) -> None:
    address = node.kubectl("get", "service", "web", "-n", web, "-o", "jsonpath={.spec.clusterIP}")
    server = next(pid for pid in node.processes() if b"httpd" in Path(f"/proc/{pid}/cmdline").read_bytes())
    command = ["nsenter", "-t", str(server), "-n", "curl", "-s", "--fail", "--max-time", "5", f"http://{address}/"]
    page = _file(node, web)
    eventually(lambda: subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() == page)


def test_a_pod_that_is_not_restricted_is_refused(node: BareNode, namespace: str) -> None:
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        node.kubectl("run", "careless", "--image", IMAGE, "-n", namespace)


def test_an_admission_policy_in_cel_is_obeyed(node: BareNode, namespace: str) -> None:
    policy = Template((WEB.parent / "policy.yaml").read_text()).substitute(namespace=namespace)
    node.kubectl("apply", "-f-", stdin=policy)
    eventually(lambda: _is_refused(node, namespace, "no such names"))
    node.kubectl("delete", "-f-", stdin=policy)


def test_an_anonymous_caller_is_told_nothing(node: BareNode) -> None:
    address = node.done("status")["cluster"]["node_ip"]
    command = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", f"https://{address}:6443/version"]
    assert subprocess.check_output(command, text=True) == "401"


def test_a_deleted_claim_takes_its_folder_along(node: BareNode, web: str) -> None:
    volume = node.kubectl("get", "pvc", "data", "-n", web, "-o", "jsonpath={.spec.volumeName}")
    folder = node.state / "cluster/volumes" / volume
    assert (folder / "index.html").exists()
    node.kubectl("delete", "deployment/web", "pvc/data", "-n", web, "--timeout=60s")
    eventually(lambda: not folder.exists())
    eventually(lambda: volume not in node.kubectl("get", "pv", "-o", "name"))


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_killed_component_comes_back(node: BareNode, component: str) -> None:
    eventually(node.is_whole)
    before, victim = node.restarts(component), node.component(component)
    kill(victim)
    eventually(lambda: node.restarts(component) == before + 1 and node.is_whole())
    assert node.component(component) != victim


def test_pods_survive_the_death_of_their_runtime(node: BareNode, web: str) -> None:
    _expose(node, web)
    eventually(lambda: _page(node) is not None)
    page, restarts = _page(node), _pod_restarts(node, web)
    for component in ("containerd", "kubelet"):
        kill(node.component(component))
    eventually(lambda: node.is_whole() and _page(node) == page)
    assert _pod_restarts(node, web) == restarts


def test_a_second_up_changes_nothing(node: BareNode) -> None:
    eventually(node.is_whole)
    before = (node.first_process(), node.done("status"), _versions(node))
    assert node.up()["stack"] == node.stack
    assert (node.first_process(), node.done("status"), _versions(node)) == before


def test_stop_and_start_keep_the_data(node: BareNode, web: str) -> None:
    node.kubectl("create", "configmap", "kept", "--from-literal=key=value", "-n", web)
    _expose(node, web)
    eventually(lambda: _page(node) is not None)
    page = _page(node)
    assert node.done("stop")["condition"] == "stopped"
    assert traces(node.name) == {}
    assert node.done("status")["condition"] == "stopped"
    node.done("start")
    assert node.kubectl("get", "configmap", "kept", "-n", web, "-o", "jsonpath={.data.key}") == "value"
    node.kubectl("rollout", "status", "deployment/web", "-n", web, "--timeout=90s")
    eventually(lambda: _page(node) == page)


def test_two_stacks_run_side_by_side_and_one_goes_without_the_other(node: BareNode, absent_node: BareNode) -> None:
    other = absent_node.up()
    assert other["ranges"] != node.done("status")["cluster"]["ranges"]
    assert absent_node.done("down")["condition"] == "absent"
    assert traces(absent_node.name) == {}
    assert node.is_whole()


def test_a_killed_node_is_brought_up_again_with_its_data(absent_node: BareNode) -> None:
    absent_node.up()
    absent_node.kubectl("create", "configmap", "kept", "--from-literal=key=value")
    kill(absent_node.first_process())
    absent_node.up()
    assert absent_node.kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.key}") == "value"


def test_a_killed_up_is_finished_by_the_next_one(absent_node: BareNode) -> None:
    with absent_node.begin("up") as first:
        eventually(lambda: absent_node.done("status")["condition"] == "starting")
        first.kill()
    absent_node.up()
    assert absent_node.is_whole()


def test_a_second_up_at_once_is_told_so(absent_node: BareNode) -> None:
    with absent_node.begin("up") as first:
        eventually(lambda: bool(traces(absent_node.name)))
        second = absent_node.run("up")
        first.communicate()
    assert second.returncode == 3
    assert "Another command is at work on stack alone." in second.stderr
    assert first.returncode == 0
    assert absent_node.is_whole()


def test_a_taken_port_is_named_and_nothing_is_left(absent_node: BareNode) -> None:
    port = absent_node.first_port + 3
    with socket.create_server(("127.0.0.1", port)):
        done = absent_node.run("up")
    assert done.returncode == 3
    assert str(port) in done.stderr
    assert "--first-port" in done.stderr
    assert traces(absent_node.name) == {}
    assert not absent_node.state.exists()


def test_a_stack_that_does_not_exist_is_not_started(absent_node: BareNode) -> None:
    done = absent_node.run("start")
    assert done.returncode == 2
    assert "There is no stack alone" in done.stderr


def _push_busybox(node: BareNode) -> None:
    registry = node.done("status")["cluster"]["registry_url"].removeprefix("http://")
    push(Image.of_program(IMAGE, busybox(), "/busybox"), registry)


def _expose(node: BareNode, namespace: str) -> None:
    """Give the node port to this namespace's web server; the last one may not have let go of it yet."""
    service = (WEB.parent / "node-port.yaml").read_text()

    def is_applied() -> bool:
        try:
            node.kubectl("apply", "-n", namespace, "-f-", stdin=service)
        except AssertionError as error:
            if "already allocated" in str(error):
                return False
            raise
        return True

    eventually(is_applied)


def _page(node: BareNode) -> str | None:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{node.first_port}/", timeout=5) as answer:
            return str(answer.read().decode()).strip()
    except (OSError, urllib.error.URLError):
        return None


def _in_pod(node: BareNode, namespace: str, *command: str) -> str:
    return node.kubectl("exec", "-n", namespace, "deployment/web", "--", "/busybox", *command)


def _file(node: BareNode, namespace: str) -> str:
    return _in_pod(node, namespace, "cat", "/data/index.html").strip()


def _pod_restarts(node: BareNode, namespace: str) -> str:
    return node.kubectl("get", "pods", "-n", namespace, "-o", "jsonpath={..restartCount}")


def _versions(node: BareNode) -> str:
    """Of what `up` applies. Pods come and go below a deployment, whose generation only its specification moves."""
    kinds = "services,configmaps,storageclasses,clusterroles"
    versions = node.kubectl("get", kinds, "-A", "-o", "jsonpath={range .items[*]}{.metadata.resourceVersion} {end}")
    generations = "jsonpath={range .items[*]}{.metadata.uid}:{.metadata.generation} {end}"
    return versions + node.kubectl("get", "deployments", "-n", "kube-system", "-o", generations)


def _is_refused(node: BareNode, namespace: str, reason: str) -> bool:
    try:
        node.kubectl("create", "configmap", f"refused-{time.time_ns()}", "-n", namespace)
    except AssertionError as error:
        return reason in str(error)
    return False
