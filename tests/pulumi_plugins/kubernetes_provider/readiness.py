"""When an object is ready, by what its controllers say of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from kubernetes_provider.cluster import Cluster, Object
from kubernetes_provider.objects import name_of

SKIP = "pulumi.com/skipAwait"
PATIENCE = 600.0
"""Seconds, as in the official provider."""


async def ready(cluster: Cluster, item: Object, patience: float = PATIENCE) -> Object:
    """The live object once it is ready. Raises TimeoutError with what is still missing."""
    deadline = time.monotonic() + patience
    while True:
        live = await cluster.read(item)
        missing = "it is not there" if live is None else lacks(live)
        if live is not None and missing is None:
            return live
        if time.monotonic() > deadline:
            raise TimeoutError(f"{item['kind']} {name_of(item)} is not ready after {patience:.0f} s: {missing}")
        await asyncio.sleep(0.5)


async def gone(cluster: Cluster, item: Object, patience: float = PATIENCE) -> None:
    """Wait until the object is no longer there; finalizers may take their time."""
    deadline = time.monotonic() + patience
    while (live := await cluster.read(item)) is not None:
        if time.monotonic() > deadline:
            held = ", ".join(live["metadata"].get("finalizers", [])) or "nothing"
            raise TimeoutError(f"{item['kind']} {name_of(item)} is not gone after {patience:.0f} s; held by {held}")
        await asyncio.sleep(0.5)


def lacks(live: Object) -> str | None:
    """What a live object lacks to be ready, or None."""
    if live["metadata"].get("annotations", {}).get(SKIP) == "true":
        return None
    check = _CHECKS.get(live["kind"])
    return check(live) if check else None


def _deployment(live: Object) -> str | None:
    status, wanted = live.get("status", {}), live["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < live["metadata"]["generation"]:
        return "its controller has not seen it"
    # All three: an old replica may be available while the new one is not, and the other way round.
    found = {name: status.get(name, 0) for name in ("replicas", "updatedReplicas", "availableReplicas")}
    return None if set(found.values()) == {wanted} else f"of {wanted} replicas: {found}"


def _stateful_set(live: Object) -> str | None:
    status, wanted = live.get("status", {}), live["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < live["metadata"]["generation"]:
        return "its controller has not seen it"
    found = {name: status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")}
    return None if set(found.values()) == {wanted} else f"of {wanted} replicas: {found}"


def _service(live: Object) -> str | None:
    if live["spec"].get("type") != "LoadBalancer":
        return None
    return None if live.get("status", {}).get("loadBalancer", {}).get("ingress") else "it has no address yet"


def _namespace(live: Object) -> str | None:
    phase = live.get("status", {}).get("phase")
    return None if phase == "Active" else f"its phase is {phase}"


def _claim(live: Object) -> str | None:
    phase = live.get("status", {}).get("phase")
    return None if phase == "Bound" else f"its phase is {phase}"


def _condition(kind: str) -> Callable[[Object], str | None]:
    def check(live: Object) -> str | None:
        conditions = {one["type"]: one["status"] for one in live.get("status", {}).get("conditions") or []}
        return None if conditions.get(kind) == "True" else f"condition {kind} is {conditions.get(kind, 'unknown')}"

    return check


_CHECKS: Mapping[str, Callable[[Any], str | None]] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "Service": _service,
    "Namespace": _namespace,
    "PersistentVolumeClaim": _claim,
    "CustomResourceDefinition": _condition("Established"),
    "Job": _condition("Complete"),
}
