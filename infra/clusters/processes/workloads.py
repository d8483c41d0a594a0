"""What every cluster has before anybody asks for anything: DNS, a default StorageClass, and a node that is Ready."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from string import Template
from typing import Any

from infra.clusters.processes import dns
from infra.clusters.processes.addressing import Ranges
from infra.clusters.processes.images import COREDNS_IMAGE
from infra.errors import PlatformError

MANIFESTS = Path(__file__).parent / "manifests"
API_NAME = "kubernetes.default.svc.cluster.local"
PATIENCE = 120.0
"""Seconds."""
INTERVAL = 0.1
"""Seconds."""
Object = dict[str, Any]


def manifests(ranges: Ranges) -> str:
    """All of the folder's manifests for a cluster of these ranges, as one stream of YAML documents."""
    files = sorted(MANIFESTS.glob("*.yaml"))
    values = {"dns": str(ranges.dns), "coredns_image": COREDNS_IMAGE}
    return "---\n".join(Template(file.read_text()).substitute(values) for file in files)


class Kubectl:
    """kubectl as the administrator of one cluster."""

    def __init__(self, program: Path, kubeconfig: Path) -> None:
        cache = kubeconfig.parent / "kubectl-cache"
        self._command = (str(program), f"--kubeconfig={kubeconfig}", f"--cache-dir={cache}", "--request-timeout=20s")

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [*self._command, *arguments]
        # An empty environment: a proxy that somebody set does not lead to this address.
        return subprocess.run(command, input=stdin, env={}, capture_output=True, text=True, check=False)

    def get(self, *what: str) -> Object:
        """The object or the list that it names; an empty one when the API server does not tell."""
        done = self.run("get", *what, "--output=json")
        found: Object = json.loads(done.stdout) if done.returncode == 0 else {}
        return found


def apply(kubectl: Kubectl, ranges: Ranges) -> None:
    """Apply the manifests; what is so already stays. Raises PlatformError when the API server keeps refusing."""
    command = ("apply", "--server-side", "--field-manager=slipway-cluster", "-f-")
    deadline = time.monotonic() + PATIENCE
    while (done := kubectl.run(*command, stdin=manifests(ranges))).returncode != 0:
        if time.monotonic() > deadline:
            raise PlatformError(
                f"The manifests of the bare cluster cannot be applied: {done.stderr.strip()}",
                "See kube-apiserver.log in the stack's folder cluster/logs.",
            )
        time.sleep(INTERVAL)


def wait_until_ready(kubectl: Kubectl, node: str, ranges: Ranges, since: float) -> None:
    """Wait until the node is Ready, the cluster's DNS answers, and nothing stale is told of any pod.

    After a restart the API server still tells what was so before it: only what the node's kubelet has said since then
    (seconds since the epoch) counts. Raises PlatformError when something does not become ready.
    """
    _wait(lambda: is_ready(kubectl.get("node", node), since), f"node {node} is not Ready")
    _wait(lambda: dns.answers(ranges.dns, API_NAME, ranges.api), "the DNS of the cluster does not answer")
    _wait(lambda: _is_up_to_date(kubectl, since), "the kubelet does not tell how the pods are")


def is_ready(node: Object, since: float) -> bool:
    """Whether the kubelet has said so since then."""
    ready = [each for each in node.get("status", {}).get("conditions", []) if each["type"] == "Ready"]
    return any(each["status"] == "True" and _seconds(each["lastHeartbeatTime"]) >= int(since) for each in ready)


def is_stale(pod: Object, since: float) -> bool:
    """Whether a container of the pod is said to run since before the node did."""
    states = [container["state"] for container in pod["status"].get("containerStatuses", [])]
    return any(_seconds(state["running"]["startedAt"]) < int(since) for state in states if "running" in state)


def _is_up_to_date(kubectl: Kubectl, since: float) -> bool:
    pods = kubectl.get("pods", "--all-namespaces")
    return "items" in pods and not any(is_stale(pod, since) for pod in pods["items"])


def _seconds(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


def _wait(done: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise PlatformError(
                f"After {PATIENCE:.0f} s, {what}.",
                "See the logs of the components, kubelet.log above all, in the stack's folder cluster/logs.",
            )
        time.sleep(INTERVAL)
