from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from infra.bootstrap import manifests

INSTALL = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: applications.argoproj.io}
spec: {group: argoproj.io, scope: Namespaced, names: {kind: Application, plural: applications}, versions: []}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cm}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-cmd-params-cm}
---
apiVersion: v1
kind: Secret
metadata: {name: argocd-secret}
---
apiVersion: v1
kind: Service
metadata: {name: argocd-server}
spec:
  ports: [{name: http, port: 80, targetPort: 8080}, {name: https, port: 443, targetPort: 8080}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: argocd-dex-server}
spec: {template: {spec: {containers: [{name: dex, image: "ghcr.io/dexidp/dex:v2"}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: argocd-notifications-cm}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: argocd-redis}
spec:
  template:
    spec:
      initContainers: [{name: secret-init, image: "quay.io/argoproj/argocd:v3.2.11", imagePullPolicy: Always}]
      containers: [{name: redis, image: "public.ecr.aws/docker/library/redis:8", args: [--save, ""]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: argocd-server}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: argocd-server}
subjects: [{kind: ServiceAccount, name: argocd-server, namespace: argocd}]
---
"""


@pytest.fixture
def documents() -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(INSTALL) if one]


def adapted(documents: list[dict[str, Any]], service_type: str = "NodePort") -> dict[tuple[str, str], dict[str, Any]]:
    found = manifests.adapt(
        copy.deepcopy(documents), reconciliation="90s", service_type=service_type, annotations={"a": "b"}
    )
    return {(one["kind"], one["metadata"]["name"]): one for one in found}


def test_neither_dex_nor_notifications_nor_the_secret(documents: list[dict[str, Any]]) -> None:
    names = {name for _, name in adapted(documents)}
    assert names == {
        "applications.argoproj.io", "argocd-cm", "argocd-cmd-params-cm", "argocd-server", "argocd-redis",
    }  # fmt: skip


def test_what_belongs_in_a_namespace_is_there_and_nothing_else_is(documents: list[dict[str, Any]]) -> None:
    namespaces = {key: one["metadata"].get("namespace") for key, one in adapted(documents).items()}
    wide = {kind for (kind, _), namespace in namespaces.items() if namespace is None}
    assert wide == {"CustomResourceDefinition", "ClusterRoleBinding"}
    assert set(namespaces.values()) == {None, "argocd"}


def test_upstream_names_its_images_but_for_redis(documents: list[dict[str, Any]]) -> None:
    pod = adapted(documents)["Deployment", "argocd-redis"]["spec"]["template"]["spec"]
    assert pod["initContainers"][0]["image"] == "quay.io/argoproj/argocd:v3.2.11"
    assert pod["containers"][0]["image"] == manifests.REDIS_IMAGE
    assert pod["containers"][0]["command"] == ["redis-server"]
    assert {one["imagePullPolicy"] for one in (*pod["initContainers"], *pod["containers"])} == {"IfNotPresent"}


def test_the_server_is_reached_at_its_node_port_without_tls(documents: list[dict[str, Any]]) -> None:
    found = adapted(documents)
    service = found["Service", "argocd-server"]
    assert service["spec"]["type"] == "NodePort"
    assert service["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": 8080, "nodePort": 30081}]
    assert service["metadata"]["annotations"] == {"a": "b"}
    parameters = found["ConfigMap", "argocd-cmd-params-cm"]["data"]
    assert parameters["server.insecure"] == "true"
    assert parameters["controller.sync.wave.delay.seconds"] == "1"


def test_a_load_balancer_has_no_node_port(documents: list[dict[str, Any]]) -> None:
    service = adapted(documents, "LoadBalancer")["Service", "argocd-server"]
    assert service["spec"]["type"] == "LoadBalancer"
    assert "nodePort" not in service["spec"]["ports"][0]


def test_settings_hold_health_tracking_and_the_interval(documents: list[dict[str, Any]]) -> None:
    data = adapted(documents)["ConfigMap", "argocd-cm"]["data"]
    assert data["timeout.reconciliation"] == "90s"
    assert data["application.resourceTrackingMethod"] == "annotation"
    checks = [name for name in data if name.startswith("resource.customizations.health.")]
    kinds = ["Application", "CustomResourceDefinition", "HTTPRoute", "HorizontalPodAutoscaler", "SeldonDeployment"]
    assert sorted(name.rpartition("_")[2] for name in checks) == kinds
