"""Manifests of things that may run in a model namespace, to be broken one part at a time."""

from __future__ import annotations

from typing import Any

DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGE = f"registry.slipway.internal/model@{DIGEST}"
Manifest = dict[str, Any]


def container(image: str = IMAGE, **changes: Any) -> Manifest:
    """An orderly container; a change to None takes a key away."""
    orderly = {
        "name": "model",
        "image": image,
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {key: value for key, value in {**orderly, **changes}.items() if value is not None}


def pod(*containers: Manifest, **spec: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "it"}, "spec": {"containers": containers, **spec}}


def deployment(*containers: Manifest, **spec: Any) -> Manifest:
    labels = {"app": "it"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers, **spec}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "it"},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def cron_job(*containers: Manifest, **spec: Any) -> Manifest:
    template = {"spec": {"restartPolicy": "Never", "containers": containers, **spec}}
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "it"},
        "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": template}}},
    }


def seldon_deployment(*containers: Manifest, name: str = "it", **spec: Any) -> Manifest:
    """A predictor without an engine, whose graph is its first container."""
    predictor = {
        "name": "one",
        "annotations": {"seldon.io/no-engine": "true"},
        "replicas": 1,
        "graph": {"name": containers[0]["name"], "type": "MODEL"},
        "componentSpecs": [{"spec": {"containers": containers, **spec}}],
    }
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": {"name": name, "annotations": {"seldon.io/no-engine": "true"}},
        "spec": {"protocol": "v2", "predictors": [predictor]},
    }
