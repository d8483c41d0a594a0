"""How requests get from the gateway to the predictors' Services: Gateway API's HTTPRoute, and when to try again.

The route is applied after the SeldonDeployment, by Argo CD's sync waves, once somebody who gets traffic is available
(infra/bootstrap/health.py). So a champion that comes back by `git revert`, and has to start first, is not asked before
it answers, and until then the one that was reverted stays: the operator deletes what is not wanted only when all that
is wanted is ready. Who goes is asked for some seconds more and still answers (UNREADY_SECONDS in
:mod:`slipway.rendering.seldon`).
"""

from __future__ import annotations

from typing import Any

from slipway.rendering.served import HTTP_PORT, Served

GATEWAY, GATEWAY_NAMESPACE = "slipway", "gateway"
# So long the gateway waits for an answer. A server that hangs shows when it gives up: the canary counts on that.
PATIENCE_SECONDS = 15
_GROUP = "gateway.networking.k8s.io"
_WAVE = "argocd.argoproj.io/sync-wave"


def route(served: Served) -> dict[str, Any]:
    """The HTTPRoute, whose weights are those of the predictors; one of weight 0 answers nobody."""
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": {**served.metadata(), "annotations": {_WAVE: "1"}},
        "spec": {
            "parentRefs": [{"group": _GROUP, "kind": "Gateway", "name": GATEWAY, "namespace": GATEWAY_NAMESPACE}],
            "hostnames": [served.settings.hostname],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    **_mirror(served),
                    "timeouts": {"request": f"{PATIENCE_SECONDS}s"},
                    "backendRefs": [
                        {**_service(predictor.service), "weight": predictor.weight} for predictor in served.predictors
                    ],
                }
            ],
        },
    }


def _mirror(served: Served) -> dict[str, Any]:
    shadow = served.canary.shadow
    if shadow is None or served.shadow is None:
        return {}
    mirror = {"backendRef": _service(_shadow_name(served)), "percent": shadow.percent}
    return {"filters": [{"type": "RequestMirror", "requestMirror": mirror}]}


def shadow_service(served: Served) -> dict[str, Any]:
    """The Service to which requests are mirrored: it leads to the challenger in the shadow, or to nobody.

    Where canary.yaml has a shadow it is always there, for Envoy Gateway answers every request of a route by 500 if the
    Service of its mirror is missing; that nobody is behind it does no harm. The operator makes a predictor's own
    Service after the route that would name it, and deletes it in its own time.
    """
    behind = served.shadow.service if served.shadow is not None else f"{served.name}-nobody"
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**served.metadata(_shadow_name(served)), "annotations": {_WAVE: "-1"}},
        "spec": {
            "selector": {"seldon-app": behind},
            "ports": [{"name": "http", "port": HTTP_PORT, "targetPort": HTTP_PORT, "protocol": "TCP"}],
        },
    }


def _shadow_name(served: Served) -> str:
    return f"{served.name}-shadow"


def _service(name: str) -> dict[str, Any]:
    return {"group": "", "kind": "Service", "name": name, "port": HTTP_PORT}


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
