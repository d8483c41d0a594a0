"""What every cluster has before anybody asks for anything: DNS, a default StorageClass, and a node that is Ready."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from string import Template

from infra.clusters.processes.addressing import Ranges
from infra.clusters.processes.images import COREDNS_IMAGE
from infra.errors import PlatformError

MANIFESTS = Path(__file__).parent / "manifests"
PATIENCE = 120.0
"""Seconds."""


def manifests(ranges: Ranges) -> str:
    """All of the folder's manifests for a cluster of these ranges, as one stream of YAML documents."""
    files = sorted(MANIFESTS.glob("*.yaml"))
    values = {"dns": str(ranges.dns), "coredns_image": COREDNS_IMAGE}
    return "---\n".join(Template(file.read_text()).substitute(values) for file in files)


class Kubectl:
    """kubectl as the administrator of one cluster."""

    def __init__(self, program: Path, kubeconfig: Path) -> None:
        self._command = (str(program), f"--kubeconfig={kubeconfig}", "--request-timeout=20s")

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run([*self._command, *arguments], input=stdin, capture_output=True, text=True, check=False)


def apply(kubectl: Kubectl, ranges: Ranges) -> None:
    """Apply the manifests; what is so already stays. Raises PlatformError when the API server keeps refusing."""
    _persist(
        lambda: kubectl.run(
            "apply", "--server-side", "--field-manager=slipway-cluster", "-f-", stdin=manifests(ranges)
        ),
        "The manifests of the bare cluster cannot be applied",
    )


def wait_until_ready(kubectl: Kubectl, node: str) -> None:
    """Wait for the node, and then for DNS. Raises PlatformError when they do not become ready."""
    _persist(
        lambda: kubectl.run("wait", f"node/{node}", "--for=condition=Ready", "--timeout=10s"),
        "The node does not become Ready",
    )
    _persist(
        lambda: kubectl.run("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=10s"),
        "CoreDNS does not become available",
    )


def _persist(attempt: Callable[[], subprocess.CompletedProcess[str]], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while (done := attempt()).returncode != 0:
        if time.monotonic() > deadline:
            raise PlatformError(
                f"{what} within {PATIENCE:.0f} s: {done.stderr.strip()}",
                "See the logs of the components, kubelet.log above all, in the stack's folder cluster/logs.",
            )
        time.sleep(0.2)
