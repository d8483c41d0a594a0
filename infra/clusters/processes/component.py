"""The cluster of processes as a resource of Pulumi: create is up, delete is down, and read sees drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from infra.builds.components import components
from infra.clusters.capabilities import (
    Capabilities,
    ClusterStatus,
    Exposure,
    RegistryAddress,
    loopback_urls,
)
from infra.clusters.processes import lifecycle, preflight
from infra.clusters.processes.layout import Layout
from infra.clusters.processes.programs import Programs
from infra.commands import say
from infra.names import NODE_PORTS, OWN_REGISTRY
from infra.settings import Ports, StackSettings

_VERSIONED = ("kubernetes", "etcd", "coredns")
_READY = "ready"


class NodeProvider(ResourceProvider):
    """Calls the provider's own lifecycle, which is idempotent: a create after a crash goes on where it stopped."""

    def create(self, props: Mapping[str, Any]) -> CreateResult:
        """Bring the cluster up, and tell how it is reached."""
        return CreateResult(props["stack"], _up(props))

    def diff(self, _id: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        """Another stack is another cluster; other ports or versions, or one that does not run, are brought up anew."""
        other = olds["stack"] != news["stack"]
        changed = any(olds.get(name) != news[name] for name in ("ports", "versions")) or olds["condition"] != _READY
        return DiffResult(changes=other or changed, replaces=["stack"] if other else [], delete_before_replace=True)

    def update(self, _id: str, _olds: Mapping[str, Any], news: Mapping[str, Any]) -> UpdateResult:
        """Start the cluster as it is to be now; its data stay."""
        if lifecycle.status(news["stack"]).condition != "absent":
            lifecycle.stop(news["stack"], say=say)
        return UpdateResult(_up(news))

    def read(self, id_: str, props: Mapping[str, Any]) -> ReadResult:
        """What is so now: absent means that it is to be created again."""
        found = lifecycle.status(id_)
        if found.condition == "absent":
            return ReadResult("", {})
        return ReadResult(id_, {**props, "condition": found.condition})

    def delete(self, id_: str, _props: Mapping[str, Any]) -> None:
        """Take the cluster down with its data."""
        lifecycle.down(id_, say=say)


class Node(Resource):
    """The cluster of one stack."""

    kubeconfig: pulumi.Output[str]
    registry_url: pulumi.Output[str]

    def __init__(self, name: str, stack: str, ports: Ports, opts: pulumi.ResourceOptions | None = None) -> None:
        props = {
            "stack": stack,
            "ports": {str(outer): inner for outer, inner in forwarded(ports).items()},
            "versions": {name: components()[name].version for name in _VERSIONED},
            "condition": None,
            "kubeconfig": None,
            "registry_url": None,
        }
        secret = pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"])
        super().__init__(NodeProvider(), name, props, pulumi.ResourceOptions.merge(opts, secret))


class ProcessesCluster(pulumi.ComponentResource):
    """A Kubernetes of plain processes on this machine, with a registry of its own."""

    capabilities: Capabilities

    def __init__(self, name: str, stack: str, ports: Ports, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:clusters:Processes", name, None, opts)
        node = Node(f"{name}-node", stack, ports, pulumi.ResourceOptions(parent=self))
        self.capabilities = Capabilities(
            kubeconfig=pulumi.Output.secret(node.kubeconfig),
            registry=RegistryAddress(node.registry_url, pulumi.Output.from_input(OWN_REGISTRY)),
            exposure=Exposure("NodePort", loopback_urls(ports), {}),
            mirrors_upstream=True,
            signs_kubelets=True,
            lifetime=node,
        )
        self.register_outputs({})


class Provider:
    """Linux with root, and no container engine."""

    owns_cluster = True

    def check(self, stack: str, settings: StackSettings) -> None:
        """What preflight asks of the machine; the ports of a cluster that runs are its own."""
        if lifecycle.status(stack).condition in ("absent", "stopped"):
            preflight.check(preflight.of_this_machine(Layout.of(stack).state, forwarded(settings.ports)))

    def provision(self, stack: str, settings: StackSettings) -> Capabilities:
        return ProcessesCluster("cluster", stack, settings.ports).capabilities

    def status(self, stack: str) -> ClusterStatus:
        found = lifecycle.status(stack)
        states: dict[str, Literal["absent", "running", "stopped", "degraded"]]
        states = {"absent": "absent", "stopped": "stopped", _READY: "running"}
        down = [name for name, component in found.components.items() if not component["running"]]
        detail = f"not running: {', '.join(down)}" if down else f"{len(found.components)} components run"
        state = states.get(found.condition, "degraded")
        return ClusterStatus("degraded" if down and state == "running" else state, detail if found.components else "")

    def stop(self, stack: str) -> None:
        lifecycle.stop(stack, say=say)

    def start(self, stack: str) -> None:
        lifecycle.start(stack, say=say)

    def remove(self, stack: str) -> None:
        lifecycle.down(stack, say=say)


PROVIDER = Provider()


def forwarded(ports: Ports) -> dict[int, int]:
    """Each port of the loopback with the node port that it leads to."""
    return {port: NODE_PORTS[name] for name, port in ports.model_dump().items()}


def _up(props: Mapping[str, Any]) -> dict[str, Any]:
    # Numbers arrive as floats: protobuf knows no others.
    ports = {int(outer): int(inner) for outer, inner in props["ports"].items()}
    cluster = lifecycle.up(props["stack"], Programs.built(), ports, say=say)
    made = {"kubeconfig": cluster.kubeconfig.read_text(), "registry_url": cluster.registry_url, "condition": _READY}
    return {**{name: props[name] for name in ("stack", "ports", "versions")}, **made}
