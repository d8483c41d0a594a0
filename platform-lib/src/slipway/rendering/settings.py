"""How an environment serves a model: gitops/envs/<environment>/<model>/settings.yaml, which people write."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Interval
from pydantic import StringConstraints, model_validator

from slipway.documents import Document

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
# RFC 1123, as Kubernetes checks it: https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
Name = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}$", max_length=63)]
Hostname = Annotated[str, StringConstraints(pattern=rf"^{_LABEL}(\.{_LABEL})*$", max_length=253)]
Registry = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?(/[a-z0-9._-]+)*$")]
# Kubernetes' quantities, of the units that processors and memory are told in.
Cpu = Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]*m|[1-9][0-9]*)$")]
Memory = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(Mi|Gi)$")]
Percent = Annotated[int, Interval(gt=0, le=100)]


class Amount(Document):
    """Of processor ("250m" is a quarter of a core) and of memory ("256Mi")."""

    cpu: Cpu
    memory: Memory


class Resources(Document):
    """What each replica gets for sure, and the most that it may take, in Kubernetes' words."""

    requests: Amount
    limits: Amount

    @model_validator(mode="after")
    def _requests_are_within_limits(self) -> Resources:
        for kind, most in self.limits.model_dump().items():
            if _plain(getattr(self.requests, kind)) > _plain(most):
                raise ValueError(f"requests.{kind} exceeds limits.{kind}, {most}")
        return self


class Autoscaling(Document):
    """When there are more replicas than ``replicas``.

    Attributes:
        max_replicas: the most.
        cpu_percent: of the processor that is requested, which the replicas use on average; beyond it there are more.
        scale_down_seconds: how long less must have been enough before there are less.
    """

    max_replicas: Annotated[int, Interval(ge=2, le=1000)]
    cpu_percent: Percent
    scale_down_seconds: Annotated[int, Interval(ge=0, le=3600)]


class RequestLog(Document):
    """Where the record of each answer goes; docs/reference/request-log.md.

    Attributes:
        secret: the Secret that holds, as ``url``, the URL of the NATS server with user and password.
        namespace, port: where that server is, so that the network policy lets the replicas reach it.
        token_key: the Secret that holds, as ``token.key``, the key for personal fields that are logged as tokens; None
            for a model that has no such field.
    """

    secret: Name
    namespace: Name
    port: Annotated[int, Interval(ge=1, le=65535)]
    token_key: Name | None


class Alerts(Document):
    """When people are told of a release (gitops/addons/monitoring/rules/models.yml).

    Attributes:
        errors: so large a share of its answers in five minutes is 5xx.
        p99_seconds: the slowest hundredth of its answers in five minutes takes so long.
    """

    errors: Annotated[float, Interval(gt=0.0, lt=1.0)]
    p99_seconds: Annotated[float, Interval(gt=0.0, le=60.0)]


class Settings(Document):
    """The whole of settings.yaml.

    Attributes:
        hostname: that the gateway routes to the model.
        registry: the prefix of image names, without the model's part.
        replicas: of each release; the least where there is autoscaling.
        autoscaling: None for always as many.
        resources: of each replica.
        request_log: None to keep none.
        alerts: of each release, in Prometheus.
    """

    hostname: Hostname
    registry: Registry
    replicas: Annotated[int, Interval(ge=1, le=1000)]
    autoscaling: Autoscaling | None
    resources: Resources
    request_log: RequestLog | None
    alerts: Alerts

    @model_validator(mode="after")
    def _scales_upwards(self) -> Settings:
        if self.autoscaling is not None and self.autoscaling.max_replicas <= self.replicas:
            raise ValueError(f"autoscaling.max_replicas must exceed replicas, {self.replicas}")
        return self


def _plain(quantity: str) -> int:
    """In thousandths of a core, or in MiB."""
    if quantity.endswith("m"):
        return int(quantity[:-1])
    if quantity.endswith("Mi"):
        return int(quantity[:-2])
    return int(quantity[:-2]) * 1024 if quantity.endswith("Gi") else int(quantity) * 1000
