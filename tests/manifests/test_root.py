"""What the root Application applies: one place for what differs, an order, and projects that allow what is used."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.manifests.building import FACTS, UPSTREAM, Builder, Manifest

NOT_IN_THE_DEFAULT_SET = {"grafana-dashboards"}
PROJECTS = ("addons", "apps")
# Kinds of the cluster; all others live in a namespace.
CLUSTER_KINDS = {
    "APIService",
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "GatewayClass",
    "Namespace",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
}


def _of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] == kind}


def _group_kind(manifest: Manifest) -> tuple[str, str]:
    version = manifest["apiVersion"]
    return version.rpartition("/")[0], manifest["kind"]


def test_every_addon_and_app_has_an_application_of_its_name(applications: dict[str, Manifest]) -> None:
    files = [file for project in PROJECTS for file in Path("gitops", project).glob("*/application.yaml")]
    assert set(applications) == {file.parent.name for file in files} - NOT_IN_THE_DEFAULT_SET
    for file in files:
        written = yaml.safe_load(file.read_text())
        assert written["metadata"]["name"] == file.parent.name
        assert written["spec"]["project"] == file.parent.parent.name


def test_the_bootstraps_facts_reach_all_that_needs_them(
    root: list[Manifest], delivered: dict[str, list[Manifest]]
) -> None:
    said = json.dumps(root)
    assert "set-by-replacement" not in said
    assert "slipway-git.svc.cluster.local/platform.git" not in said
    webhook = _of_kind(delivered["seldon-core"], "ValidatingWebhookConfiguration")
    assert [w["clientConfig"]["caBundle"] for one in webhook.values() for w in one["webhooks"]] == [
        FACTS["seldonWebhookCA"]
    ]
    (manager,) = _of_kind(delivered["seldon-core"], "Deployment").values()
    assert manager["spec"]["template"]["spec"]["containers"][0]["image"] == FACTS["seldonImage"]
    mlflow = _of_kind(delivered["mlflow"], "Deployment")["mlflow"]["spec"]["template"]["spec"]["containers"][0]
    assert mlflow["image"] == FACTS["mlflowImage"]
    canary = _of_kind(delivered["canary"], "Deployment")["canary"]["spec"]["template"]["spec"]["containers"][0]
    assert canary["image"] == FACTS["canaryImage"]
    assert _of_kind(delivered["policies"], "ConfigMap")["model-images"]["data"] == {"prefix": FACTS["modelImages"]}
    metrics_server = _of_kind(delivered["metrics-server"], "Deployment")["metrics-server"]
    arguments = metrics_server["spec"]["template"]["spec"]["containers"][0]["args"]
    assert arguments[-1] == "--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"


@pytest.mark.parametrize("missing", ["seldonWebhookCA", "seldonImage", "mlflowImage", "canaryImage"])
def test_a_fact_without_a_default_is_missed_by_name(builder: Builder, missing: str) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failure:
        builder.root({key: value for key, value in FACTS.items() if key != missing})
    assert f"`data.{missing}` is missing" in failure.value.stderr


def test_waves_are_ordered(root: list[Manifest]) -> None:
    """Projects, namespaces and policies, what has CRDs, what uses them, and models last."""
    waves = {
        (one["kind"], one["metadata"]["name"]): int(one["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])
        for one in root
    }
    wave = {name: number for (kind, name), number in waves.items() if kind == "Application"}
    projects = {number for (kind, _), number in waves.items() if kind == "AppProject"}
    assert max(projects) < wave["policies"] < min(number for name, number in wave.items() if name != "policies")
    assert wave["envoy-gateway"] < wave["gateway"] < waves["ApplicationSet", "models"]
    for needed in ("metrics-server", "seldon-core", "nats"):
        assert wave[needed] < waves["ApplicationSet", "models"]


def test_every_application_heals_itself(applications: dict[str, Manifest], root: list[Manifest]) -> None:
    template = _of_kind(root, "ApplicationSet")["models"]["spec"]["template"]
    for one in [*applications.values(), template]:
        assert one["spec"]["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
        assert "argocd.argoproj.io/manifest-generate-paths" in one["metadata"]["annotations"]


@pytest.mark.parametrize(("project", "upstream"), [("addons", [UPSTREAM]), ("apps", [])])
def test_a_project_allows_exactly_what_is_used(
    root: list[Manifest],
    applications: dict[str, Manifest],
    delivered: dict[str, list[Manifest]],
    project: str,
    upstream: list[str],
) -> None:
    spec = _of_kind(root, "AppProject")[project]["spec"]
    members = [name for name, one in applications.items() if one["spec"]["project"] == project]
    manifests = [manifest for name in members for manifest in delivered[name]]
    of_the_cluster = {_group_kind(one) for one in manifests if one["kind"] in CLUSTER_KINDS}
    in_namespaces = [one for one in manifests if one["kind"] not in CLUSTER_KINDS]
    assert {(one["group"], one["kind"]) for one in spec["clusterResourceWhitelist"]} == of_the_cluster
    assert {(one["group"], one["kind"]) for one in spec["namespaceResourceWhitelist"]} == set(
        map(_group_kind, in_namespaces)
    )
    used = {one["metadata"]["namespace"] for one in in_namespaces}
    assert {one["namespace"] for one in spec["destinations"]} == used
    assert spec["sourceRepos"] == [FACTS["repoURL"], *upstream]


def test_the_canary_loop_reads_in_every_model_namespace_and_writes_its_lease_alone(
    delivered_manifests: list[Manifest],
) -> None:
    mine = {"kind": "ServiceAccount", "name": "canary", "namespace": "slipway"}
    bindings = [one for one in delivered_manifests if mine in one.get("subjects", [])]
    roles = {
        (one["kind"], one["metadata"]["name"]): one["rules"]
        for one in delivered_manifests
        if one["kind"] in {"Role", "ClusterRole"}
    }
    may = {one["metadata"]["namespace"]: roles[one["roleRef"]["kind"], one["roleRef"]["name"]] for one in bindings}
    models = {
        name
        for name, one in _of_kind(delivered_manifests, "Namespace").items()
        if one["metadata"]["labels"].get("slipway.dev/models") == "true"
    }
    assert {one["kind"] for one in bindings} == {"RoleBinding"}
    assert set(may) == models | {"slipway"}
    for namespace in models:
        assert {verb for rule in may[namespace] for verb in rule["verbs"]} == {"get", "list", "watch"}
        assert {kind for rule in may[namespace] for kind in rule["resources"]} == {
            "deployments", "events", "pods", "seldondeployments",
        }  # fmt: skip
    assert {kind for rule in may["slipway"] for kind in rule["resources"]} == {"leases"}
    assert all(rule.get("resourceNames") == ["canary"] for rule in may["slipway"] if rule["verbs"] != ["create"])


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_the_project_of_an_environment_allows_rendered_models_there_alone(
    root: list[Manifest], environment: str
) -> None:
    spec = _of_kind(root, "AppProject")[environment]["spec"]
    assert spec["sourceRepos"] == [FACTS["repoURL"]]
    assert [one["namespace"] for one in spec["destinations"]] == [environment]
    assert spec["clusterResourceWhitelist"] == []
    allowed = {(one["group"], one["kind"]) for one in spec["namespaceResourceWhitelist"]}
    assert ("machinelearning.seldon.io", "SeldonDeployment") in allowed
    assert not {kind for _, kind in allowed} & {"Secret", "Role", "RoleBinding", "Pod", "ServiceAccount"}
    for file in Path(f"gitops/rendered/{environment}").rglob("*.yaml"):
        for manifest in yaml.safe_load_all(file.read_text()):
            assert _group_kind(manifest) in allowed, file


def test_every_namespace_that_is_used_is_made_and_restricted(delivered_manifests: list[Manifest]) -> None:
    made = _of_kind(delivered_manifests, "Namespace")
    used = {one["metadata"].get("namespace") for one in delivered_manifests} - {None, "kube-system"}
    assert used == set(made)
    for one in made.values():
        assert one["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
        # Whoever takes an addon away keeps its data, and its secrets.
        assert one["metadata"]["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false,Delete=false"
