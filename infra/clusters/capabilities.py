"""What every provider of a cluster must give, and how one is found by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Literal, Protocol

import pulumi

from infra.settings import Ports, StackSettings


@dataclass(frozen=True)
class RegistryAddress:
    """Where images go and where they come from: a local registry has two names for one place."""

    push_url: pulumi.Output[str]
    """URL at which this machine pushes, e.g. `http://127.0.0.1:5001` or `https://ghcr.io/you`."""
    pull_prefix: pulumi.Output[str]
    """What stands before an image's name in manifests, e.g. `registry.slipway.internal`."""


@dataclass(frozen=True)
class Exposure:
    """How people outside the cluster reach its services."""

    service_type: Literal["NodePort", "LoadBalancer"]
    urls: Mapping[str, pulumi.Output[str]]
    """URL by service (gateway, argocd, git, mlflow, prometheus, alertmanager). Missing: not known before it runs."""
    annotations: Mapping[str, str]
    """What the services carry, e.g. to keep a load balancer off the internet."""


@dataclass(frozen=True)
class Capabilities:
    """What a cluster offers to the platform that is put on it."""

    kubeconfig: pulumi.Output[str]
    """The text of a kubeconfig; a secret."""
    registry: RegistryAddress
    exposure: Exposure
    mirrors_upstream: bool
    """Whether names such as quay.io/... lead to our registry, so that images of third parties must be pushed there."""
    signs_kubelets: bool
    """Whether kubelets serve with certificates of the cluster's own authority, by which metrics-server checks them."""
    lifetime: pulumi.Resource | None
    """The resource whose end is the end of all that is in the cluster; None where the cluster outlives the platform."""


@dataclass(frozen=True)
class ClusterStatus:
    """How a cluster is, as far as its provider can tell without Pulumi."""

    state: Literal["absent", "running", "stopped", "degraded", "unknown"]
    detail: str


class ClusterProvider(Protocol):
    """One way to get a cluster. Everything but `provision` works without Pulumi and after a crash."""

    owns_cluster: bool
    """Whether the cluster is the platform's own, so that it ends with it."""

    def check(self, stack: str, settings: StackSettings) -> None:
        """Raise PlatformError when this machine cannot do it. Nothing is changed."""

    def provision(self, stack: str, settings: StackSettings) -> Capabilities:
        """Declare the cluster. To be called in a Pulumi program."""
        ...

    def status(self, stack: str) -> ClusterStatus:
        """Look, without changing anything."""
        ...

    def stop(self, stack: str) -> None:
        """Stop the cluster and keep its data. PlatformError where it is not ours to stop."""

    def start(self, stack: str) -> None:
        """Go on after `stop`."""

    def remove(self, stack: str) -> None:
        """Remove what a crash may have left of the cluster. What is not there is no error."""


_MODULES: Mapping[str, str] = {
    "kind": "infra.clusters.kind",
    "processes": "infra.clusters.processes.component",
    "existing": "infra.clusters.existing",
    "eks": "infra.clusters.eks",
}


def provider(name: str) -> ClusterProvider:
    """The provider of that name. Its module is imported only now, because a cloud's SDK is large and optional."""
    made: ClusterProvider = import_module(_MODULES[name]).PROVIDER
    return made


def loopback_urls(ports: Ports) -> dict[str, pulumi.Output[str]]:
    """Where people reach each service of a cluster on this machine."""
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.model_dump().items()}
    return {name: pulumi.Output.from_input(url) for name, url in urls.items()}
