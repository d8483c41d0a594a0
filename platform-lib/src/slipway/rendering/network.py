"""Who may talk to a model's replicas, and to whom they may: all else is refused, where the network enforces it."""

from __future__ import annotations

from typing import Any

from slipway.rendering.routing import GATEWAY
from slipway.rendering.served import HTTP_PORT, METRICS_PORT, Served

_NAMESPACE = "kubernetes.io/metadata.name"


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
                {"from": [_proxies()], "ports": [_tcp(HTTP_PORT)]},
                {
                    "from": [_pods("monitoring", {"app.kubernetes.io/name": "prometheus"})],
                    "ports": [_tcp(METRICS_PORT)],
                },
            ],
            "egress": _egress(served),
        },
    }


def _proxies() -> dict[str, Any]:
    """Envoy Gateway runs the proxies of every Gateway in its own namespace."""
    return _pods("envoy-gateway-system", {"gateway.envoyproxy.io/owning-gateway-name": GATEWAY})


def _egress(served: Served) -> list[dict[str, Any]]:
    log = served.settings.request_log
    if log is None:
        return []
    dns = _pods("kube-system", {"k8s-app": "kube-dns"})
    nats = {"namespaceSelector": {"matchLabels": {_NAMESPACE: log.namespace}}}
    return [
        {"to": [dns], "ports": [{"protocol": "UDP", "port": 53}, _tcp(53)]},
        {"to": [nats], "ports": [_tcp(log.port)]},
    ]


def _pods(namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    return {
        "namespaceSelector": {"matchLabels": {_NAMESPACE: namespace}},
        "podSelector": {"matchLabels": labels},
    }


def _tcp(port: int) -> dict[str, Any]:
    return {"protocol": "TCP", "port": port}
