"""What the admission policies of model namespaces let in, and what they refuse with which words."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.cluster.model_objects import DIGEST, Manifest, container, cron_job, deployment, pod, seldon_deployment
from tests.cluster.platform import Platform

MAKERS = [pod, deployment, cron_job, seldon_deployment]
Maker = Callable[..., Manifest]


def _admit(platform: Platform, namespace: str, manifest: Manifest) -> None:
    platform.kubectl("-n", namespace, "create", "--dry-run=server", "-f-", stdin=json.dumps(manifest))


def _refusal(platform: Platform, namespace: str, manifest: Manifest) -> str:
    with pytest.raises(AssertionError, match="denied request") as refused:
        _admit(platform, namespace, manifest)
    return str(refused.value)


@pytest.mark.parametrize("make", MAKERS)
def test_images_and_resources(platform: Platform, model_namespace: str, make: Maker) -> None:
    """What is orderly is let in; each fault alone is refused by its own policy, in words that name it."""
    _admit(platform, model_namespace, make(container()))

    said = _refusal(platform, model_namespace, make(container("registry.slipway.internal/model:1")))
    assert "'image-digest'" in said
    assert f"{make(container())['kind']} it: not named by digest: model (registry.slipway.internal/model:1)" in said
    assert "`slipway publish` prints the digest" in said

    for host in ("docker.io/library", "registry.slipway.internal.example.com", "library"):
        said = _refusal(platform, model_namespace, make(container(f"{host}/model@{DIGEST}")))
        assert "'image-registry'" in said
        assert f"it: from another registry: model ({host}/model@{DIGEST})" in said
        assert "images come from registry.slipway.internal/" in said

    for resources in (None, {"requests": {"cpu": "1m", "memory": "1Mi"}}, {"limits": {"memory": "1Mi"}}):
        said = _refusal(platform, model_namespace, make(container(resources=resources)))
        assert "'resources-set'" in said
        assert "it: without resources: model. In a model namespace every container has resources.requests" in said


PRIVILEGE = (
    {"allowPrivilegeEscalation": True},
    {"capabilities": {"drop": ["NET_RAW"]}},
    {"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}},
    {"capabilities": None},
)


@pytest.mark.parametrize("make", [deployment, cron_job, seldon_deployment])
def test_privilege(platform: Platform, model_namespace: str, make: Maker) -> None:
    orderly = container()["securityContext"]
    for change in PRIVILEGE:
        said = _refusal(platform, model_namespace, make(container(securityContext={**orderly, **change})))
        assert "'no-privilege'" in said
        assert "it: may gain privilege: model. " in said
        assert "set securityContext.allowPrivilegeEscalation to false" in said


def test_a_pod_with_privilege_is_refused_by_pod_security(platform: Platform, model_namespace: str) -> None:
    privileged = pod(container(securityContext={"privileged": True}))
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        _admit(platform, model_namespace, privileged)


def test_a_container_of_the_second_predictor_and_an_init_container_are_seen_too(
    platform: Platform, model_namespace: str
) -> None:
    with_init = seldon_deployment(container(), initContainers=[container("busybox:1", name="fetch")])
    second = seldon_deployment(container(name="other", image="busybox:2"))["spec"]["predictors"][0]
    with_init["spec"]["predictors"].append({**second, "name": "two"})
    said = _refusal(platform, model_namespace, with_init)
    assert "fetch (busybox:1), other (busybox:2)" in said


@pytest.mark.parametrize("make", [deployment, cron_job])
def test_a_share_of_the_node_is_refused(platform: Platform, model_namespace: str, make: Maker) -> None:
    host_path = [{"name": "root", "hostPath": {"path": "/"}}]
    for spec in ({"hostNetwork": True}, {"hostPID": True}, {"volumes": host_path}):
        said = _refusal(platform, model_namespace, make(container(), **spec))
        assert "it: shares something with its node. In a model namespace pods do not: remove hostNetwork" in said


@pytest.mark.parametrize("missing", ["runAsNonRoot", "seccompProfile"])
def test_what_the_operator_would_forget_is_refused(platform: Platform, model_namespace: str, missing: str) -> None:
    context = {key: value for key, value in container()["securityContext"].items() if key != missing}
    of_the_pod = {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}
    manifest = seldon_deployment(container(securityContext=context), **of_the_pod)
    said = _refusal(platform, model_namespace, manifest)
    assert "SeldonDeployment it: not restricted: model. " in said


def test_other_namespaces_are_left_alone(platform: Platform) -> None:
    _admit(platform, "default", pod(container("busybox:1", resources=None)))


def test_without_the_prefix_nothing_is_let_in(platform: Platform) -> None:
    binding = platform.objects("validatingadmissionpolicybinding", "image-registry")
    assert binding["spec"]["paramRef"]["parameterNotFoundAction"] == "Deny"
    held = platform.objects("-n", "kube-system", "configmap", "model-images")
    assert held["data"]["prefix"].endswith("/")


def test_pods_beyond_the_quota_are_refused(platform: Platform) -> None:
    """Staging cannot take all of a node."""
    huge = container(resources={"requests": {"cpu": "1000", "memory": "1Mi"}, "limits": {"memory": "1Mi"}})
    with pytest.raises(AssertionError, match="exceeded quota: models"):
        _admit(platform, "staging", pod(huge))


@pytest.mark.parametrize("namespace", ["staging", "production"])
def test_model_viewers_look_and_do_not_touch(platform: Platform, namespace: str) -> None:
    def may(*what: str) -> bool:
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {
                "user": "someone",
                "groups": ["slipway:model-viewers"],
                "resourceAttributes": {"namespace": namespace},
            },
        }
        review["spec"]["resourceAttributes"] |= dict(
            zip(("verb", "group", "resource", "subresource"), what, strict=False)
        )
        answer = json.loads(platform.kubectl("create", "-o", "json", "-f-", stdin=json.dumps(review)))
        return bool(answer["status"]["allowed"])

    assert may("get", "machinelearning.seldon.io", "seldondeployments")
    assert may("get", "", "pods", "log")
    assert not may("get", "", "secrets")
    assert not may("create", "", "pods")
    assert not may("create", "", "pods", "exec")
