"""How many replicas a release has, and how few it may have for a while."""

from __future__ import annotations

from typing import Any

from slipway.rendering.served import Predictor, Served


def autoscalers(served: Served) -> list[dict[str, Any]]:
    """A HorizontalPodAutoscaler on CPU for each predictor; none without autoscaling.

    On CPU, as metrics-server has it for any cluster: the server's own signals would take an adapter for custom metrics.
    It scales up at once and down slowly.
    """
    return [_autoscaler(served, predictor) for predictor in served.predictors if served.settings.autoscaling]


def _autoscaler(served: Served, predictor: Predictor) -> dict[str, Any]:
    scaling = served.settings.autoscaling
    assert scaling is not None
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": served.metadata(predictor.service),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": predictor.deployment},
            "minReplicas": served.settings.replicas,
            "maxReplicas": scaling.max_replicas,
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {
                        "name": "cpu",
                        "target": {"type": "Utilization", "averageUtilization": scaling.cpu_percent},
                    },
                }
            ],
            "behavior": {
                "scaleUp": {
                    "stabilizationWindowSeconds": 0,
                    "selectPolicy": "Max",
                    "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
                },
                "scaleDown": {
                    "stabilizationWindowSeconds": scaling.scale_down_seconds,
                    "selectPolicy": "Max",
                    "policies": [{"type": "Percent", "value": 50, "periodSeconds": 30}],
                },
            },
        },
    }


def disruption_budgets(served: Served) -> list[dict[str, Any]]:
    """A PodDisruptionBudget for each predictor: a drained node takes one replica at a time.

    A single replica may go too: a budget that forbids it would hold up every drain of its node for ever.
    """
    return [
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": served.metadata(predictor.service),
            "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"seldon-app": predictor.service}}},
        }
        for predictor in served.predictors
    ]
