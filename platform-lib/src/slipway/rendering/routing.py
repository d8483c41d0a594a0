"""How requests get from the gateway to the predictors' Services: Gateway API's HTTPRoute, and when to try again."""

from __future__ import annotations

from typing import Any

from slipway.rendering.served import HTTP_PORT, Served

GATEWAY, GATEWAY_NAMESPACE = "slipway", "gateway"
_GROUP = "gateway.networking.k8s.io"


def route(served: Served) -> dict[str, Any]:
    """The HTTPRoute, whose weights are those of the predictors; one of weight 0 is reached by nobody."""
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": served.metadata(),
        "spec": {
            "parentRefs": [{"group": _GROUP, "kind": "Gateway", "name": GATEWAY, "namespace": GATEWAY_NAMESPACE}],
            "hostnames": [served.settings.hostname],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    "backendRefs": [
                        {
                            "group": "",
                            "kind": "Service",
                            "name": predictor.service,
                            "port": HTTP_PORT,
                            "weight": predictor.weight,
                        }
                        for predictor in served.predictors
                    ],
                }
            ],
        },
    }


def retries(served: Served) -> dict[str, Any]:
    """Envoy Gateway's BackendTrafficPolicy: a request whose connection broke before its answer goes to another pod.

    Predictions change nothing, and feedback that comes twice counts once. What a server answers, be it an error, is
    its answer: a challenger's faults must not be hidden from who judges it.
    """
    return {
        "apiVersion": "gateway.envoyproxy.io/v1alpha1",
        "kind": "BackendTrafficPolicy",
        "metadata": served.metadata(),
        "spec": {
            "targetRefs": [{"group": _GROUP, "kind": "HTTPRoute", "name": served.name}],
            "retry": {
                "numRetries": 3,
                "retryOn": {"triggers": ["connect-failure", "refused-stream", "reset"]},
                "perRetry": {"backOff": {"baseInterval": "25ms", "maxInterval": "250ms"}},
            },
        },
    }
