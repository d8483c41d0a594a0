"""Who may talk to a model's replicas, and to whom they may: all else is refused, where the network enforces it."""

from __future__ import annotations

from typing import Any

from slipway.rendering.routing import GATEWAY_NAMESPACE
from slipway.rendering.served import HTTP_PORT, METRICS_PORT, Served

# Envoy Gateway runs its proxies in its own namespace, or in the Gateway's; both are named, for either is configurable.
PROXIES = ("envoy-gateway-system", GATEWAY_NAMESPACE)
MONITORING = "monitoring"


def policy(served: Served) -> dict[str, Any]:
    """The NetworkPolicy of a model's replicas, of whichever release."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": served.metadata(),
        "spec": {
            "podSelector": {"matchLabels": {"seldon-deployment-id": served.name}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [
                {"from": [_namespace(name) for name in PROXIES], "ports": [_tcp(HTTP_PORT)]},
                {"from": [_namespace(MONITORING)], "ports": [_tcp(METRICS_PORT)]},
            ],
            "egress": _egress(served),
        },
    }


def _egress(served: Served) -> list[dict[str, Any]]:
    log = served.settings.request_log
    if log is None:
        return []
    port = int(log.url.rpartition(":")[2])
    return [
        {"to": [_namespace("kube-system")], "ports": [{"protocol": "UDP", "port": 53}, _tcp(53)]},
        {"to": [_namespace(log.namespace)], "ports": [_tcp(port)]},
    ]


def _namespace(name: str) -> dict[str, Any]:
    return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}


def _tcp(port: int) -> dict[str, Any]:
    return {"protocol": "TCP", "port": port}
