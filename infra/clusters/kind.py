"""A cluster in containers of this machine, with a local registry by kind's documented recipe.

See https://kind.sigs.k8s.io/docs/user/local-registry/: the registry is a container on kind's network, and containerd in
the node looks for our logical name there (`certs.d/<name>/hosts.toml`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import yaml
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider

from infra.clusters import choice
from infra.clusters.capabilities import (
    Capabilities,
    ClusterStatus,
    Exposure,
    RegistryAddress,
    loopback_urls,
)
from infra.commands import run
from infra.errors import PlatformError
from infra.names import NODE_PORTS, OWN_REGISTRY
from infra.settings import StackSettings

REGISTRY_IMAGE = "docker.io/library/registry:2.8.3"
_REMEDY = "See that Docker or Podman runs and that kind is installed (https://kind.sigs.k8s.io/), and try again."
_LISTENS = 5000
"""Port of the registry inside its container."""


@dataclass(frozen=True)
class KindNode:
    """The containers of one stack, and the commands that make and end them."""

    stack: str
    engine: str
    """`docker` or `podman`."""

    @property
    def cluster(self) -> str:
        return f"slipway-{self.stack}"

    @property
    def registry(self) -> str:
        return f"slipway-{self.stack}-registry"

    @property
    def node(self) -> str:
        return f"{self.cluster}-control-plane"

    def create(self, ports: Mapping[str, int], registry_port: int) -> str:
        """Make what is missing of registry and cluster. Returns the kubeconfig's text."""
        if not self._exists(self.registry):
            publish = f"127.0.0.1:{registry_port}:{_LISTENS}"
            self._engine("run", "-d", "--restart=always", "-p", publish, "--name", self.registry, REGISTRY_IMAGE)
        if self.cluster not in self.clusters():
            self._kind(
                "create", "cluster", "--name", self.cluster, "--config=-", "--wait=120s", stdin=configuration(ports)
            )
        if "kind" not in self._networks():
            self._engine("network", "connect", "kind", self.registry)
        self._point_node_at_registry()
        return self._kind("get", "kubeconfig", "--name", self.cluster)

    def delete(self) -> None:
        """Remove both, as far as they are there."""
        if self.cluster in self.clusters():
            self._kind("delete", "cluster", "--name", self.cluster)
        if self._exists(self.registry):
            self._engine("rm", "--force", "--volumes", self.registry)

    def stop(self) -> None:
        """Stop the containers; their volumes stay."""
        self._engine("stop", self.node, self.registry)

    def start(self) -> None:
        """Start them again, the registry first: pods may have to be pulled anew."""
        self._engine("start", self.registry, self.node)

    def state(self) -> str:
        """`absent`, `running` or `stopped`."""
        if not self._exists(self.node):
            return "absent"
        running = self._engine("inspect", "--format", "{{.State.Running}}", self.node).strip()
        return "running" if running == "true" else "stopped"

    def clusters(self) -> list[str]:
        """The names of all kind clusters of this engine."""
        return self._kind("get", "clusters").split()

    def _point_node_at_registry(self) -> None:
        folder = f"/etc/containerd/certs.d/{OWN_REGISTRY}"
        hosts = f'[host."http://{self.registry}:{_LISTENS}"]\n'
        script = f"mkdir -p {folder} && cat > {folder}/hosts.toml"
        self._engine("exec", "-i", self.node, "sh", "-c", script, stdin=hosts)

    def _networks(self) -> list[str]:
        format_ = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}"
        return self._engine("inspect", "--format", format_, self.registry).split()

    def _exists(self, container: str) -> bool:
        names = self._engine("ps", "--all", "--format", "{{.Names}}", "--filter", f"name=^{container}$")
        return container in names.split()

    def _engine(self, *arguments: str, stdin: str = "") -> str:
        return run([self.engine, *arguments], _REMEDY, stdin=stdin)

    def _kind(self, *arguments: str, stdin: str = "") -> str:
        variables = {"KIND_EXPERIMENTAL_PROVIDER": self.engine}
        return run(["kind", *arguments], _REMEDY, stdin=stdin, environment=variables)


def configuration(ports: Mapping[str, int]) -> str:
    """kind's configuration: the ports of the loopback, and containerd told to look into certs.d."""
    mappings = [
        {"containerPort": NODE_PORTS[name], "hostPort": port, "listenAddress": "127.0.0.1"}
        for name, port in ports.items()
    ]
    patch = '[plugins."io.containerd.grpc.v1.cri".registry]\n  config_path = "/etc/containerd/certs.d"\n'
    return yaml.safe_dump(
        {
            "kind": "Cluster",
            "apiVersion": "kind.x-k8s.io/v1alpha4",
            "nodes": [{"role": "control-plane", "extraPortMappings": mappings}],
            "containerdConfigPatches": [patch],
        }
    )


class NodeProvider(ResourceProvider):
    """The containers as a resource of Pulumi."""

    def create(self, props: Mapping[str, Any]) -> CreateResult:
        """Make the registry and the cluster."""
        ports = {name: int(port) for name, port in props["ports"].items()}
        kubeconfig = _node(props).create(ports, int(props["registry_port"]))
        return CreateResult(_node(props).cluster, {**props, "kubeconfig": kubeconfig})

    def diff(self, _id: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        """Ports of a container are fixed when it is made: other ones need another cluster."""
        names = [name for name in ("stack", "engine", "ports", "registry_port") if olds[name] != news[name]]
        return DiffResult(changes=bool(names), replaces=names, delete_before_replace=True)

    def read(self, id_: str, props: Mapping[str, Any]) -> ReadResult:
        """Whether the cluster is still there."""
        present = id_ in _node(props).clusters()
        return ReadResult(id_ if present else "", dict(props) if present else {})

    def delete(self, _id: str, props: Mapping[str, Any]) -> None:
        """Remove both."""
        _node(props).delete()


class Node(Resource):
    """The containers of one stack."""

    kubeconfig: pulumi.Output[str]

    def __init__(self, name: str, props: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        secret = pulumi.ResourceOptions(additional_secret_outputs=["kubeconfig"])
        merged = pulumi.ResourceOptions.merge(opts, secret)
        super().__init__(NodeProvider(), name, {**props, "kubeconfig": None}, merged)


class KindCluster(pulumi.ComponentResource):
    """A cluster in containers, with a local registry."""

    capabilities: Capabilities

    def __init__(
        self, name: str, stack: str, engine: str, settings: StackSettings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("slipway:clusters:Kind", name, None, opts)
        port = settings.kind.registry_port
        props = {"stack": stack, "engine": engine, "ports": settings.ports.model_dump(), "registry_port": port}
        node = Node(f"{name}-node", props, pulumi.ResourceOptions(parent=self))
        # Not before the registry is there.
        push_url = node.kubeconfig.apply(lambda _: f"http://127.0.0.1:{port}")
        self.capabilities = Capabilities(
            kubeconfig=pulumi.Output.secret(node.kubeconfig),
            registry=RegistryAddress(pulumi.Output.unsecret(push_url), pulumi.Output.from_input(OWN_REGISTRY)),
            exposure=Exposure("NodePort", loopback_urls(settings.ports), {}),
            mirrors_upstream=False,
            signs_kubelets=False,
            lifetime=node,
        )
        self.register_outputs({})


class Provider:
    """Where Docker or Podman runs."""

    owns_cluster = True

    def check(self, stack: str, settings: StackSettings) -> None:
        """That an engine answers, and that the kind CLI is installed."""
        engine(settings)
        run(["kind", "version"], _REMEDY)

    def provision(self, stack: str, settings: StackSettings) -> Capabilities:
        """Declare the containers."""
        return KindCluster("cluster", stack, engine(settings), settings).capabilities

    def status(self, stack: str) -> ClusterStatus:
        """How the node's container is."""
        node = self._present(stack)
        if node is None:
            return ClusterStatus("absent", "")
        return ClusterStatus("running" if node.state() == "running" else "stopped", f"container {node.node}")

    def stop(self, stack: str) -> None:
        """Stop the containers."""
        self._wanted(stack).stop()

    def start(self, stack: str) -> None:
        """Start the containers."""
        self._wanted(stack).start()

    def remove(self, stack: str) -> None:
        """Remove the containers, whichever engine has them."""
        for name in choice.look().engines:
            KindNode(stack, name).delete()

    def _present(self, stack: str) -> KindNode | None:
        nodes = (KindNode(stack, name) for name in choice.look().engines)
        return next((node for node in nodes if node.state() != "absent"), None)

    def _wanted(self, stack: str) -> KindNode:
        node = self._present(stack)
        if node is None:
            raise PlatformError(f"No container engine has the cluster of stack {stack}.", "Bring it up again.")
        return node


PROVIDER = Provider()


def engine(settings: StackSettings) -> str:
    """The container engine to use.

    Raises:
        PlatformError: the one that is named, or any, does not answer
    """
    found = choice.look().engines
    named = settings.kind.engine
    if named == "auto" and found:
        return found[0]
    if named in found:
        return named
    wanted = "Neither Docker nor Podman answers" if named == "auto" else f"{named} does not answer"
    raise PlatformError(f"{wanted}, and provider kind needs it.", _REMEDY)


def _node(props: Mapping[str, Any]) -> KindNode:
    return KindNode(props["stack"], props["engine"])
