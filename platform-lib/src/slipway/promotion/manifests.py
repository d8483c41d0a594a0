"""What rendered manifests must hold, whoever wrote them: each rule yields what breaks it, in words."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from slipway.promotion.difference import Objects

_PINNED = re.compile(r".+@sha256:[0-9a-f]{64}")
_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_RESOURCES = ("cpu", "memory")


def pinned(objects: Objects) -> Iterator[str]:
    """Each container's image is named by its digest, and by no tag."""
    for name, container, _ in containers(objects):
        image = str(container.get("image", ""))
        if not _PINNED.fullmatch(image):
            yield f"{name} runs {image or 'no image'}, which names no digest"
        elif ":" in image.partition("@")[0].rpartition("/")[2]:
            yield f"{name} runs {image}, whose tag says nothing beside a digest"


def requests(objects: Objects) -> Iterator[str]:
    """Each container asks for processor and memory."""
    yield from _amounts(objects, "requests")


def limits(objects: Objects) -> Iterator[str]:
    """Each container has limits of processor and memory."""
    yield from _amounts(objects, "limits")


def probes(objects: Objects) -> Iterator[str]:
    """Each container is asked whether it has started, is ready, and lives."""
    for name, container, _ in containers(objects):
        for probe in _PROBES:
            if not isinstance(container.get(probe), Mapping) or not container[probe]:
                yield f"{name} has no {probe}"


def non_root(objects: Objects) -> Iterator[str]:
    """No container runs as root, may become more than it is, or writes to its own files."""
    for name, container, pod in containers(objects):
        said = {**(pod.get("securityContext") or {}), **(container.get("securityContext") or {})}
        if said.get("runAsNonRoot") is not True:
            yield f"{name} does not say runAsNonRoot: true"
        if said.get("runAsUser") == 0:
            yield f"{name} runs as user 0"
        if said.get("privileged"):
            yield f"{name} is privileged"
        if said.get("allowPrivilegeEscalation") is not False:
            yield f"{name} does not say allowPrivilegeEscalation: false"
        if said.get("readOnlyRootFilesystem") is not True:
            yield f"{name} does not say readOnlyRootFilesystem: true"
        if "ALL" not in ((said.get("capabilities") or {}).get("drop") or ()):
            yield f"{name} does not drop all capabilities"


def weights(objects: Objects) -> Iterator[str]:
    """The weights of each route's Services, and those of a deployment's predictors, sum to 100."""
    for (kind, name), it in objects.items():
        spec = it.get("spec") or {}
        shares: list[list[Any]] = []
        if kind == "HTTPRoute":
            shares = [
                [ref.get("weight", 1) for ref in rule.get("backendRefs") or ()] for rule in spec.get("rules") or ()
            ]
        elif kind == "SeldonDeployment":
            shares = [[predictor.get("traffic", 0) for predictor in spec.get("predictors") or ()]]
        for found in shares:
            if any(type(share) is not int or not 0 <= share <= 100 for share in found) or sum(found) != 100:
                said = ", ".join(map(str, found)) or "none"
                yield f"the weights of {kind} {name} are {said}, which is not 100 in all"


RULES: dict[str, Callable[[Objects], Iterator[str]]] = {
    "weights": weights,
    "pinned": pinned,
    "requests": requests,
    "limits": limits,
    "probes": probes,
    "non_root": non_root,
}


def containers(objects: Objects) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Each container of each predictor, its name for people, and the pod that it is in; initial ones, too."""
    for (kind, name), it in objects.items():
        if kind != "SeldonDeployment":
            continue
        for predictor in (it.get("spec") or {}).get("predictors") or ():
            parts: list[Any] = predictor.get("componentSpecs") or [{}]
            for part in parts:
                pod = part.get("spec") or {}
                held = [*(pod.get("containers") or ({},)), *(pod.get("initContainers") or ())]
                for container in held:
                    yield f"{name}/{predictor.get('name')}/{container.get('name', 'a container')}", container, pod


def _amounts(objects: Objects, kind: str) -> Iterator[str]:
    for name, container, _ in containers(objects):
        held = ((container.get("resources") or {}).get(kind)) or {}
        missing = [resource for resource in _RESOURCES if not held.get(resource)]
        if missing:
            yield f"{name} has no {kind} of {' and '.join(missing)}"
