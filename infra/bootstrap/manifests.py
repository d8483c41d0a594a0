"""Upstream's manifests of Argo CD, and what this platform changes in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.bootstrap import health

NAMESPACE = "argocd"
REDIS_IMAGE = "docker.io/library/redis:7.0.15"
"""Debian 12's version instead of upstream's 8.2: the one that can be had where no registry is reachable."""
_LEFT_OUT = ("dex-server", "notifications-controller")
_CLUSTER_WIDE = frozenset({"CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding"})
Document = dict[str, Any]


def adapt(
    documents: Iterable[Document], *, reconciliation: str, service_type: str, annotations: Mapping[str, str]
) -> list[Document]:
    """Upstream's documents as this platform applies them; the secret's content is added elsewhere.

    Args:
        documents: upstream's install.yaml; changed in place
        reconciliation: how often Argo CD looks at Git by itself, e.g. `120s`
        service_type: `NodePort` or `LoadBalancer`, of the API server's Service
        annotations: what that Service carries
    """
    kept = [document for document in documents if document and not _is_left_out(document)]
    for document in kept:
        if document["kind"] not in _CLUSTER_WIDE:
            document["metadata"]["namespace"] = NAMESPACE
        for container in _containers(document):
            # The tags are versions: asking for them anew at each start would only need the registry at each start.
            container["imagePullPolicy"] = "IfNotPresent"
            if container["name"] == "redis":
                container |= {"image": REDIS_IMAGE, "command": ["redis-server"]}
    _one(kept, "ConfigMap", "argocd-cm")["data"] = settings(reconciliation)
    _one(kept, "ConfigMap", "argocd-cmd-params-cm")["data"] = parameters()
    _expose(_one(kept, "Service", "argocd-server"), service_type, annotations)
    return [document for document in kept if not _is(document, "Secret", "argocd-secret")]


def settings(reconciliation: str) -> dict[str, str]:
    """The content of `argocd-cm`."""
    prefix = "resource.customizations.health"
    return {
        # By label, a copy of an object (a Service's Endpoints, say) would count as the application's own.
        "application.resourceTrackingMethod": "annotation",
        "timeout.reconciliation": reconciliation,
        "timeout.reconciliation.jitter": "0s",
        f"{prefix}.apiextensions.k8s.io_CustomResourceDefinition": health.CUSTOM_RESOURCE_DEFINITION,
        f"{prefix}.argoproj.io_Application": health.APPLICATION,
        f"{prefix}.autoscaling_HorizontalPodAutoscaler": health.HORIZONTAL_POD_AUTOSCALER,
        f"{prefix}.gateway.networking.k8s.io_HTTPRoute": health.HTTP_ROUTE,
        f"{prefix}.machinelearning.seldon.io_SeldonDeployment": health.SELDON_DEPLOYMENT,
    }


def parameters() -> dict[str, str]:
    """The content of `argocd-cmd-params-cm`."""
    return {
        # Reached through the loopback or inside the cluster; a gateway in front of it adds TLS.
        "server.insecure": "true",
        "controller.self.heal.timeout.seconds": "1",
        # Each step of a roll-out has two waves; a model's health says itself whether it is about what was applied.
        "controller.sync.wave.delay.seconds": "1",
        "applicationsetcontroller.enable.progressive.syncs": "false",
    }


def _expose(service: Document, service_type: str, annotations: Mapping[str, str]) -> None:
    service["spec"]["type"] = service_type
    http = next(port for port in service["spec"]["ports"] if port["name"] == "http")
    service["spec"]["ports"] = [http | {"nodePort": 30081}] if service_type == "NodePort" else [http]
    if annotations:
        service["metadata"]["annotations"] = dict(annotations)


def _is_left_out(document: Document) -> bool:
    name = document["metadata"]["name"]
    return any(name.startswith(f"argocd-{part.split('-')[0]}") for part in _LEFT_OUT)


def _containers(document: Document) -> list[Document]:
    pod = document.get("spec", {}).get("template", {}).get("spec", {})
    return [*pod.get("initContainers", []), *pod.get("containers", [])]


def _is(document: Document, kind: str, name: str) -> bool:
    return bool(document["kind"] == kind and document["metadata"]["name"] == name)


def _one(documents: list[Document], kind: str, name: str) -> Document:
    return next(document for document in documents if _is(document, kind, name))
