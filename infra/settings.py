"""The settings of a stack: what may stand in `Pulumi.<stack>.yaml` under `slipway:`, and what it means.

Each setting is documented where it is declared. `pulumi config set --path slipway:ports.git 9082` sets one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, Self

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from infra.errors import UsageError

PROJECT = "slipway"

ProviderName = Literal["auto", "kind", "processes", "existing", "eks"]


class Section(BaseModel):
    """A group of settings. An unknown name is an error, so that a typing mistake is not a silent default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Ports(Section):
    """Ports of 127.0.0.1 that lead to the platform, where the cluster runs on this machine."""

    gateway: int = Field(8080, ge=1024, le=65535)
    """Models: `http://<model>.<environment>.localhost:<gateway>/`."""
    argocd: int = Field(8081, ge=1024, le=65535)
    """Argo CD's user interface and API, and the webhook of Git."""
    git: int = Field(8082, ge=1024, le=65535)
    """The platform's Git server: `git push platform main` goes here."""
    mlflow: int = Field(8083, ge=1024, le=65535)
    """Experiments and the model registry."""
    prometheus: int = Field(8084, ge=1024, le=65535)
    """Metrics."""
    alertmanager: int = Field(8085, ge=1024, le=65535)
    """Alerts."""

    @model_validator(mode="after")
    def _are_distinct(self) -> Self:
        taken: dict[int, str] = {}
        for name, port in self.model_dump().items():
            if port in taken:
                raise ValueError(f"{name} and {taken[port]} are both {port}, and each needs a port of its own")
            taken[port] = name
        return self


class GitOps(Section):
    """What Argo CD reads and how quickly it reacts."""

    repository: str = ""
    """URL of the Git repository that Argo CD applies. Empty: the platform's own Git server, seeded with your HEAD."""
    credentials: str = ""
    """Path of a file in the format of Git's credential store that holds an account for `repository`: with it the canary
    loop pushes its commits. It is read at each `up`, and kept as a secret. Not needed for the platform's own server."""
    revision: str = "main"
    """The branch that Argo CD applies."""
    path: str = "gitops/argocd"
    """The folder of the root application inside the repository."""
    reconciliation: str = Field("15s", pattern=r"^\d+(s|m|h)$")
    """How often Argo CD looks by itself: at Git, of whose pushes the webhook tells it at once, and at the health of
    what it applies, for which the next wave waits."""


class Kind(Section):
    """A cluster in containers of this machine (provider `kind`)."""

    engine: Literal["auto", "docker", "podman"] = "auto"
    """The container engine that runs the node."""
    registry_port: int = Field(5001, ge=1024, le=65535)
    """Port of 127.0.0.1 where the local registry listens."""


class Existing(Section):
    """A cluster that somebody else made (provider `existing`)."""

    kubeconfig: str = ""
    """Path of the kubeconfig. Empty: the one in `outputs`, or `KUBECONFIG`, or `~/.kube/config`."""
    context: str = ""
    """The kubeconfig's context. Empty: its current one."""
    outputs: str = ""
    """Path of a Terraform or OpenTofu state (JSON) whose outputs `kubeconfig` and `registry` are to be used."""
    registry: str = ""
    """Where images are pushed and pulled, e.g. `ghcr.io/you/slipway`. Empty: the output `registry` of `outputs`."""
    address: str = ""
    """Host at which the node ports are reached. Empty: the host of the kubeconfig's API server."""


class Eks(Section):
    """A cluster on AWS (provider `eks`; install the extra with `uv sync --project infra --group eks`)."""

    instance_type: str = "m6i.xlarge"
    """EC2 type of the nodes: the platform's parts want about 5 GiB of memory in all."""
    nodes: int = Field(2, ge=1, le=100)
    """How many nodes are there to begin with."""
    max_nodes: int = Field(4, ge=1, le=100)
    """How many there may be."""
    kubernetes_version: str = Field("1.34", pattern=r"^1\.\d+$")
    """The minor version of Kubernetes."""

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.nodes > self.max_nodes:
            raise ValueError(f"nodes is {self.nodes} and max_nodes {self.max_nodes}: it must not be smaller")
        return self


class StackSettings(Section):
    """Everything that differs between one stack and another."""

    provider: ProviderName = "auto"
    """Where the cluster comes from. `auto`: kind where Docker or Podman runs, else processes on Linux as root."""
    ports: Ports = Ports()
    gitops: GitOps = GitOps()
    kind: Kind = Kind()
    existing: Existing = Existing()
    eks: Eks = Eks()


def parse(values: Mapping[str, object], source: str) -> StackSettings:
    """Check settings by name.

    Args:
        values: the settings without the project's prefix, e.g. `{"provider": "kind", "ports": {"git": 9082}}`
        source: the file or place that they come from, for the error

    Raises:
        UsageError: naming each bad setting, its value and the rule
    """
    try:
        return StackSettings.model_validate(values)
    except ValidationError as error:
        lines = [f"  {PROJECT}:{_path(e['loc'])}: {_rule(e)}" for e in error.errors()]
        raise UsageError(
            "\n".join([f"{source} has settings that cannot be used:", *lines]),
            "infra/settings.py says what each means and may be.",
        ) from None


def load(config: Mapping[str, Any], source: str) -> StackSettings:
    """Read a stack file's `config:` mapping: keys of other projects (`aws:region`) are left to their owners.

    Values may be text, as Pulumi hands them to a program: a number, a truth value or a section is then written in JSON.
    """
    prefix = f"{PROJECT}:"
    own = {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}
    return parse({key: _decoded(value) for key, value in own.items()}, source)


def from_pulumi() -> StackSettings:
    """The settings of the stack that is running. To be called in a Pulumi program."""
    # Config's own accessors read names that one knows already: a misspelt one would never be seen.
    config = {**get_config_env(), **CONFIG.get()}
    return load(config, f"the configuration of stack {pulumi.get_stack()}")


def _decoded(value: object) -> object:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return value


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if part != "") or "(all)"


def _rule(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "no such setting"
    given = error["input"]
    shown = "" if isinstance(given, BaseModel | dict) else f" (it is {given!r})"
    return f"{error['msg'].removeprefix('Value error, ')}{shown}"
