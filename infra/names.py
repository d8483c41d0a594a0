"""Names and numbers by which the parts of a platform know each other."""

from __future__ import annotations

from collections.abc import Mapping

OWN_REGISTRY = "registry.slipway.internal"
"""The name by which manifests call a registry that only the cluster itself can resolve."""

NODE_PORTS: Mapping[str, int] = {
    "gateway": 30080,
    "argocd": 30081,
    "git": 30082,
    "mlflow": 30083,
    "prometheus": 30084,
    "alertmanager": 30085,
}
"""The ports of the node for people."""


def loopback_ports(first: int = 8080) -> dict[int, int]:
    """Ports of this machine's loopback, one after another, with the node port that each leads to."""
    return {first + offset: port for offset, port in enumerate(NODE_PORTS.values())}
