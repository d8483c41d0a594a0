"""How a published release runs, by Kubernetes: ready replicas, restarts, and what keeps it from being ready."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any

from lightkube.models.apps_v1 import DeploymentCondition
from lightkube.models.core_v1 import ContainerState, ContainerStatus, PodCondition
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from slipway.adapters.kube import Cluster
from slipway.canary.observation import Readiness
from slipway.release.record import Published
from slipway.rendering.served import deployment_name, resource_name, service_name

# What a container waits for as long as all is well.
_UNDER_WAY = frozenset({"ContainerCreating", "PodInitializing"})
_LONGEST, _LONGEST_WORDS = 600, 400
# What the lines of code in a traceback begin with, as Typer prints it.
_FRAMES = "│╭╰"


def look(cluster: Cluster, environment: str, model: str, published: Published) -> Readiness:
    """How ``published`` runs.

    Raises:
        KubeFault: when Kubernetes cannot be asked.
    """
    service = service_name(model, published)
    deployment = cluster.deployment(environment, deployment_name(service))
    pods = cluster.pods(environment, service)
    found = judge(deployment, pods)
    if found.complaint or 0 < found.wanted <= found.ready:
        return found
    refusal = _refusal(cluster.seldon_status(environment, resource_name(model)))
    return replace(found, complaint=refusal)


def judge(deployment: Deployment | None, pods: Sequence[Pod]) -> Readiness:
    """The same of what was read; the deployment is None where there is none yet. Pods on their way out do not count."""
    staying = [pod for pod in pods if pod.metadata is None or pod.metadata.deletionTimestamp is None]
    ready = [pod for pod in staying if _is(_ready(pod), "True")]
    wanted = _wanted(deployment)
    stable = max(_times(ready), default=None) if 0 < wanted <= len(ready) == len(staying) else None
    unready = max(_times(staying), default=_unavailable_since(deployment)) if not ready else None
    restarts = sum(status.restartCount for pod in staying for status in _containers(pod))
    known = (
        deployment.metadata.creationTimestamp if deployment is not None and deployment.metadata is not None else None
    )
    return Readiness(wanted, len(ready), stable, restarts, _complaint(deployment, staying), unready, known)


def _wanted(deployment: Deployment | None) -> int:
    if deployment is None or deployment.spec is None:
        return 0
    return 1 if deployment.spec.replicas is None else deployment.spec.replicas


def _ready(pod: Pod) -> PodCondition | None:
    return _pod_condition(pod, "Ready")


def _pod_condition(pod: Pod, kind: str) -> PodCondition | None:
    conditions = (pod.status.conditions or []) if pod.status is not None else []
    return next((each for each in conditions if each.type == kind), None)


def _is(condition: PodCondition | DeploymentCondition | None, status: str) -> bool:
    return condition is not None and condition.status == status


def _times(pods: Iterable[Pod]) -> list[datetime]:
    """Since when each is as ready as it is."""
    found = (_ready(pod) for pod in pods)
    return [each.lastTransitionTime for each in found if each is not None and each.lastTransitionTime is not None]


def _unavailable_since(deployment: Deployment | None) -> datetime | None:
    condition = _condition(deployment, "Available")
    return condition.lastTransitionTime if condition is not None and _is(condition, "False") else None


def _condition(deployment: Deployment | None, kind: str) -> DeploymentCondition | None:
    if deployment is None or deployment.status is None:
        return None
    return next((each for each in deployment.status.conditions or [] if each.type == kind), None)


def _containers(pod: Pod) -> list[ContainerStatus]:
    if pod.status is None:
        return []
    return [*(pod.status.initContainerStatuses or []), *(pod.status.containerStatuses or [])]


def _complaint(deployment: Deployment | None, pods: Sequence[Pod]) -> str:
    """The worst that anybody says, with its pod's name; empty if nobody complains."""
    for complain in (_of_container, _of_scheduling, _of_condition):
        for pod in pods:
            said = complain(pod)
            if said:
                name = pod.metadata.name if pod.metadata is not None else "a pod"
                return _short(f"{name}: {said}")
    failed = _condition(deployment, "ReplicaFailure")
    return _short(f"{failed.reason}: {failed.message}") if failed is not None and _is(failed, "True") else ""


def _of_container(pod: Pod) -> str:
    """A container that waits for what does not come, or has ended."""
    for status in _containers(pod):
        waiting = status.state.waiting if status.state is not None else None
        if waiting is not None and waiting.reason not in _UNDER_WAY:
            ended = _ended(status.lastState)
            return f"{waiting.reason}: {ended or waiting.message or 'it says no more'}"
        ended = _ended(status.state) or ("" if status.ready else _ended(status.lastState))
        if ended:
            return ended
    return ""


def _ended(state: ContainerState | None) -> str:
    """How a container ended badly, with its last words."""
    end = state.terminated if state is not None else None
    if end is None or end.exitCode == 0:
        return ""
    words = _last_words(end.message or "")
    return f"{end.reason or 'Error'}, exit code {end.exitCode}{f': {words}' if words else ''}"


def _last_words(said: str) -> str:
    """Of a line that a server logs its message; of anything else the end, where a traceback names the error."""
    lines = [line.strip() for line in said.splitlines() if line.strip() and line.strip()[0] not in _FRAMES]
    if lines and lines[-1].startswith("{"):
        with suppress(ValueError, LookupError):
            return str(json.loads(lines[-1])["message"])
    line = " ".join(" ".join(lines).split())
    return line if len(line) <= _LONGEST_WORDS else f"…{line[1 - _LONGEST_WORDS :]}"


def _of_scheduling(pod: Pod) -> str:
    condition = _pod_condition(pod, "PodScheduled")
    return f"{condition.reason}: {condition.message}" if condition is not None and _is(condition, "False") else ""


def _of_condition(pod: Pod) -> str:
    condition = _ready(pod)
    return f"{condition.reason}: {condition.message}" if condition is not None and _is(condition, "False") else ""


def _refusal(status: dict[str, Any]) -> str:
    """What Seldon's operator says of a SeldonDeployment that it does not do."""
    said = str(status.get("description") or "")
    if status.get("state") == "Failed":
        return _short(f"Seldon's operator: {said or 'it failed and says no more'}")
    return ""


def _short(said: str) -> str:
    """On one line, and no longer than a person reads."""
    line = " ".join(said.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
