"""How Kubernetes' words about pods become a challenger's readiness, over its API."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from slipway.adapters.kube import Cluster, KubeFault
from slipway.canary import readiness
from slipway.canary.observation import Readiness
from slipway.rendering.served import service_name
from tests.conftest import MODEL
from tests.fake_kubernetes import FakeKubernetes, deployment, pod, stamp
from tests.toy_platform import PUBLISHED
from tests.unit.slipway.canary.conftest import BEGIN, CHALLENGER

OF = PUBLISHED[CHALLENGER]
SERVICE = service_name(MODEL, OF)
BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container"}}


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(BEGIN + seconds, UTC)


def seen(kubernetes: FakeKubernetes, cluster: Cluster, *pods: dict[str, Any], replicas: int = 2) -> Readiness:
    kubernetes.put("production", "deployments", deployment(SERVICE, replicas))
    for each in pods:
        kubernetes.put("production", "pods", each)
    return readiness.look(cluster, "production", MODEL, OF)


def test_unknown_to_kubernetes(cluster: Cluster) -> None:
    assert readiness.look(cluster, "production", MODEL, OF) == Readiness(0, 0, None, 0, "")


def test_all_ready_since_the_last_became_so(kubernetes: FakeKubernetes, cluster: Cluster) -> None:
    ready = pod(SERVICE, "a", BEGIN + 10), pod(SERVICE, "b", BEGIN + 30)
    assert seen(kubernetes, cluster, *ready) == Readiness(2, 2, at(30), 0, "")
    kubernetes.put("production", "pods", pod("another", "c", None))
    kubernetes.put("staging", "pods", pod(SERVICE, "d", None))
    assert readiness.look(cluster, "production", MODEL, OF).stable_since == at(30)


def test_it_is_known_since_its_deployment_is(kubernetes: FakeKubernetes, cluster: Cluster) -> None:
    made = deployment(SERVICE, 1)
    made["metadata"]["creationTimestamp"] = stamp(BEGIN + 7)
    kubernetes.put("production", "deployments", made)
    assert readiness.look(cluster, "production", MODEL, OF).known_since == at(7)


def test_one_that_is_not_ready_says_so(kubernetes: FakeKubernetes, cluster: Cluster) -> None:
    found = seen(kubernetes, cluster, pod(SERVICE, "a", BEGIN + 10), pod(SERVICE, "b", None))
    assert (found.ready, found.stable_since, found.unready_since) == (1, None, None)
    assert found.complaint == "b: ContainersNotReady: containers with unready status: [server]"


def test_one_more_than_wanted_that_is_not_ready_is_no_stability(kubernetes: FakeKubernetes, cluster: Cluster) -> None:
    found = seen(kubernetes, cluster, pod(SERVICE, "a", BEGIN), pod(SERVICE, "b", None), replicas=1)
    assert (found.ready, found.stable_since) == (1, None)


def test_one_on_its_way_out_counts_for_nothing(kubernetes: FakeKubernetes, cluster: Cluster) -> None:
    going = pod(SERVICE, "b", None, restartCount=7)
    going["metadata"]["deletionTimestamp"] = stamp(BEGIN)
    found = seen(kubernetes, cluster, pod(SERVICE, "a", BEGIN), going, replicas=1)
    assert found == Readiness(1, 1, at(0), 0, "")


def test_none_ready_since_the_last_was(kubernetes: FakeKubernetes, cluster: Cluster) -> None:
    pods = pod(SERVICE, "a", None), pod(SERVICE, "b", None)
    for each, seconds in zip(pods, (5, 20), strict=True):
        each["status"]["conditions"][0]["lastTransitionTime"] = stamp(BEGIN + seconds)
    assert seen(kubernetes, cluster, *pods).unready_since == at(20)


def test_no_pod_at_all_is_unready_since_the_deployment_is(kubernetes: FakeKubernetes, cluster: Cluster) -> None:
    gone = {"type": "Available", "status": "False", "lastTransitionTime": stamp(BEGIN + 3)}
    quota = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}
    kubernetes.put("production", "deployments", deployment(SERVICE, 2, gone, quota))
    found = readiness.look(cluster, "production", MODEL, OF)
    assert found == Readiness(2, 0, None, 0, "FailedCreate: exceeded quota", at(3))


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            {"state": {"waiting": {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x@sha256:1"'}}},
            'a: ImagePullBackOff: Back-off pulling image "x@sha256:1"',
        ),
        ({"state": {"waiting": {"reason": "CreateContainerConfigError"}}},
         "a: CreateContainerConfigError: it says no more"),
        (
            {
                "state": BACK_OFF,
                "lastState": {
                    "terminated": {"exitCode": 3, "reason": "Error", "message": "slipway: no key\nsigned it\n"}
                },
            },
            "a: CrashLoopBackOff: Error, exit code 3: slipway: no key signed it",
        ),
        ({"state": BACK_OFF}, "a: CrashLoopBackOff: back-off 10s restarting failed container"),
        ({"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}, "a: OOMKilled, exit code 137"),
        (
            {"state": {"running": {}}, "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}},
            "a: Error, exit code 1",
        ),
        (
            {"state": {"waiting": {"reason": "ContainerCreating"}}},
            "a: ContainersNotReady: containers with unready status: [server]",
        ),
    ],
)  # fmt: skip
def test_the_complaint_is_kubernetes_own(
    kubernetes: FakeKubernetes, cluster: Cluster, status: dict[str, Any], said: str
) -> None:
    found = seen(kubernetes, cluster, pod(SERVICE, "a", None, **status))
    assert found.complaint == said


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            '{"message": "starts"}\n{"message": "refused to start: no key", "remedy": "Sign it."}',
            "refused to start: no key",
        ),
        ("│ ❱ 86 │   scorer.warm()  │\n╰──────────╯\nMemoryError: no room\n", "MemoryError: no room"),
        ("a word, " * 60 + "and the error", "…" + ("a word, " * 60 + "and the error")[-399:]),
        ("{no json", "{no json"),
        ("", ""),
    ],
)
def test_the_last_words_of_a_server_are_those_that_say_why(
    kubernetes: FakeKubernetes, cluster: Cluster, said: str, words: str
) -> None:
    ended = {"lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": said}}, "state": BACK_OFF}
    found = seen(kubernetes, cluster, pod(SERVICE, "a", None, **ended))
    assert found.complaint == f"a: CrashLoopBackOff: Error, exit code 1{f': {words}' if words else ''}"


def test_restarts_are_summed(kubernetes: FakeKubernetes, cluster: Cluster) -> None:
    found = seen(
        kubernetes, cluster, pod(SERVICE, "a", BEGIN, restartCount=2), pod(SERVICE, "b", BEGIN, restartCount=1)
    )
    assert (found.restarts, found.ready) == (3, 2)


def test_what_cannot_be_scheduled(kubernetes: FakeKubernetes, cluster: Cluster) -> None:
    waiting = pod(SERVICE, "a", None)
    no_room = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: no cpu"}
    waiting["status"] = {"conditions": [no_room]}
    assert seen(kubernetes, cluster, waiting).complaint == "a: Unschedulable: 0/1 nodes: no cpu"


def test_the_operator_s_refusal_when_nobody_else_complains(kubernetes: FakeKubernetes, cluster: Cluster) -> None:
    status = {"state": "Failed", "description": "admission webhook denied the request"}
    kubernetes.put("production", "seldondeployments", {"metadata": {"name": "flight-delay"}, "status": status})
    found = readiness.look(cluster, "production", MODEL, OF)
    assert found.complaint == "Seldon's operator: admission webhook denied the request"
    kubernetes.put(
        "production", "seldondeployments", {"metadata": {"name": "flight-delay"}, "status": {"state": "Creating"}}
    )
    assert readiness.look(cluster, "production", MODEL, OF).complaint == ""


def test_a_long_complaint_is_cut(kubernetes: FakeKubernetes, cluster: Cluster) -> None:
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "x" * 5000}}
    complaint = seen(kubernetes, cluster, pod(SERVICE, "a", None, state=waiting)).complaint
    assert len(complaint) == 600
    assert complaint.endswith("x…")


def test_kubernetes_away(kubernetes: FakeKubernetes, cluster: Cluster, tmp_path: Path) -> None:
    kubernetes.away = True
    with pytest.raises(KubeFault, match="Kubernetes refuses: the server is away"):
        readiness.look(cluster, "production", MODEL, OF)
    nowhere = FakeKubernetes.kubeconfig
    with FakeKubernetes() as other:
        file = nowhere(other, tmp_path / "other")
    gone = Cluster(file)
    with pytest.raises(KubeFault, match="cannot be asked"):
        readiness.look(gone, "production", MODEL, OF)
    gone.close()


def test_no_cluster_is_named(tmp_path: Path) -> None:
    with pytest.raises(KubeFault, match="Nothing says where the cluster is"):
        Cluster(tmp_path / "absent")
    (tmp_path / "broken").write_text("no: kubeconfig\n")
    with pytest.raises(KubeFault):
        Cluster(tmp_path / "broken")
