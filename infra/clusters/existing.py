"""A cluster that somebody else made: by a kubeconfig, or by the outputs of a Terraform or OpenTofu state."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kr8s
import pulumi
import yaml

from infra.clusters.capabilities import Capabilities, ClusterStatus, Exposure, RegistryAddress
from infra.errors import PlatformError
from infra.names import NODE_PORTS
from infra.settings import Existing, StackSettings

_SETTINGS = "Correct `slipway:existing` in the stack's file; infra/settings.py says what it may hold."


def outputs_of(path: Path) -> dict[str, str]:
    """The outputs of a Terraform or OpenTofu state, or of `tofu output -json`.

    Raises:
        PlatformError: it cannot be read, or is neither
    """
    try:
        document = json.loads(path.expanduser().read_text())
    except OSError as error:
        raise PlatformError(f"The state {path} cannot be read: {error.strerror}.", _SETTINGS) from None
    except ValueError:
        raise PlatformError(
            f"The state {path} is not JSON.", "Name a state file, or what `tofu output -json` has written."
        ) from None
    outputs = document.get("outputs", document) if isinstance(document, dict) else {}
    values = {
        name: output["value"] for name, output in outputs.items() if isinstance(output, dict) and "value" in output
    }
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def kubeconfig_of(settings: Existing) -> str:
    """The text of the kubeconfig, with the wanted context as its current one.

    Raises:
        PlatformError: there is none, it is not one, or the context is not in it
    """
    text, source = _kubeconfig_text(settings)
    try:
        config = yaml.safe_load(text)
    except yaml.YAMLError:
        config = None
    if not isinstance(config, dict) or not config.get("contexts") or not config.get("clusters"):
        raise PlatformError(f"{source} is not a kubeconfig: it names no cluster and no context.", _SETTINGS)
    names = [context["name"] for context in config["contexts"]]
    wanted = settings.context or config.get("current-context") or ""
    if wanted not in names:
        raise PlatformError(f"{source} has no context {wanted!r}; it has {', '.join(names)}.", _SETTINGS)
    return yaml.safe_dump({**config, "current-context": wanted})


def server_of(kubeconfig: str) -> str:
    """The URL of the API server of the current context."""
    config = yaml.safe_load(kubeconfig)
    context = _named(config["contexts"], config["current-context"])["context"]
    return str(_named(config["clusters"], context["cluster"])["cluster"]["server"])


class ExistingCluster(pulumi.ComponentResource):
    """Declares nothing in the cluster itself: it only says what there is."""

    capabilities: Capabilities

    def __init__(self, name: str, settings: Existing, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:clusters:Existing", name, None, opts)
        kubeconfig = kubeconfig_of(settings)
        registry = registry_of(settings)
        host = settings.address or urlsplit(server_of(kubeconfig)).hostname
        urls = {service: pulumi.Output.from_input(f"http://{host}:{port}") for service, port in NODE_PORTS.items()}
        self.capabilities = Capabilities(
            kubeconfig=pulumi.Output.secret(kubeconfig),
            registry=RegistryAddress(
                pulumi.Output.from_input(f"https://{registry}"), pulumi.Output.from_input(registry)
            ),
            exposure=Exposure("NodePort", urls, {}),
            mirrors_upstream=False,
            signs_kubelets=True,
            lifetime=None,
        )
        self.register_outputs({})


def registry_of(settings: Existing) -> str:
    """Where images are pushed and pulled.

    Raises:
        PlatformError: neither the settings nor the outputs name one
    """
    named = settings.registry or (outputs_of(Path(settings.outputs)).get("registry", "") if settings.outputs else "")
    if not named:
        raise PlatformError("The stack names no registry to push the platform's images to.", _SETTINGS)
    return named.removeprefix("https://").rstrip("/")


class Provider:
    """Any cluster that a kubeconfig leads to."""

    owns_cluster = False

    def check(self, stack: str, settings: StackSettings) -> None:
        """That the kubeconfig leads to an API server that answers, and that a registry is named."""
        registry_of(settings.existing)
        kubeconfig = kubeconfig_of(settings.existing)
        server = server_of(kubeconfig)
        try:
            kr8s.api(kubeconfig=yaml.safe_load(kubeconfig)).version()
        except Exception as error:  # kr8s passes on what its HTTP client raises
            raise PlatformError(
                f"The API server {server} of the kubeconfig does not answer: {type(error).__name__}: {error}",
                "Try `kubectl version` with it. Nothing has been changed.",
            ) from None

    def provision(self, stack: str, settings: StackSettings) -> Capabilities:
        """Say what there is."""
        return ExistingCluster("cluster", settings.existing).capabilities

    def status(self, stack: str) -> ClusterStatus:
        """It is not ours to know."""
        return ClusterStatus("unknown", "an existing cluster: ask it with kubectl")

    def stop(self, stack: str) -> None:
        """Refused."""
        raise _not_ours("stopped")

    def start(self, stack: str) -> None:
        """Refused."""
        raise _not_ours("started")

    def remove(self, stack: str) -> None:
        """Nothing: what the platform put there, Pulumi has removed."""


PROVIDER = Provider()


def _not_ours(done: str) -> PlatformError:
    return PlatformError(
        f"An existing cluster is not {done} by the platform: it did not make it.", "Use what the cluster was made with."
    )


def _kubeconfig_text(settings: Existing) -> tuple[str, str]:
    if settings.outputs and not settings.kubeconfig:
        outputs = outputs_of(Path(settings.outputs))
        if "kubeconfig" not in outputs:
            names = ", ".join(outputs) or "none"
            raise PlatformError(f"The state {settings.outputs} has no output `kubeconfig`; it has {names}.", _SETTINGS)
        return outputs["kubeconfig"], f"The output `kubeconfig` of {settings.outputs}"
    path = kubeconfig_path(settings)
    try:
        return path.read_text(), str(path)
    except OSError as error:
        raise PlatformError(f"The kubeconfig {path} cannot be read: {error.strerror}.", _SETTINGS) from None


def kubeconfig_path(settings: Existing) -> Path:
    """The kubeconfig that is meant when no state gives one."""
    named = settings.kubeconfig or os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(named).expanduser() if named else Path.home() / ".kube" / "config"


def _named(entries: list[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)
