"""The SeldonDeployment: a predictor for each release in its image, without Seldon's engine in front of it.

Written for Seldon Core's operator 1.16.0, whose ways are the reason of what looks odd here:

- It replaces the pod's security context by its own, so ours stands at the container.
- Without a life cycle of ours it adds a preStop of ``/bin/sh -c "sleep 10"``. Its schema is older than the sleep action
  of Kubernetes, and none is needed: the server itself goes on for a while after SIGTERM, not ready any more.
- It numbers the metrics ports of several predictors, unless each names its own.
- It would name a Service by a hash where the name gets long, unless an annotation names it.
- It makes an HPA that cannot say how fast to scale, and a PodDisruptionBudget for the pods of all predictors at once;
  :mod:`slipway.rendering.scaling` makes better ones. It deletes an HPA and a PodDisruptionBudget that it did not ask
  for, if they are called as its Deployment is.

Nothing in a predictor tells champion from challenger: a release that becomes champion must not start again for it.
"""

from __future__ import annotations

from typing import Any

from slipway.rendering.keys import MOUNTED, config_map_name
from slipway.rendering.served import (
    CONTAINER,
    GRPC_PORT,
    HTTP_PORT,
    IMAGE_FOLDER,
    METRICS_PORT,
    MODEL_KEY,
    RELEASE_KEY,
    Predictor,
    Served,
)

# Anybody but root: the image belongs to root and is read by all.
USER = 65532
# Until the route leads elsewhere, which is applied some seconds later, and every proxy has heard of it; then for what
# is under way; then for what is left to log.
UNREADY_SECONDS, DRAIN_SECONDS, LOG_SECONDS = 15, 15, 15
_STARTUP_SECONDS = 120
_SPOOL, _SPOOL_MIB = "/var/spool/slipway", 256
_TOKEN_KEY = "/run/secrets/token"


def deployment(served: Served) -> dict[str, Any]:
    """The SeldonDeployment of what is served, which must be something."""
    return {
        "apiVersion": "machinelearning.seldon.io/v1",
        "kind": "SeldonDeployment",
        "metadata": served.metadata(),
        "spec": {"predictors": [_predictor(served, predictor) for predictor in served.predictors]},
    }


def _predictor(served: Served, predictor: Predictor) -> dict[str, Any]:
    settings = served.settings
    found: dict[str, Any] = {
        "name": predictor.name,
        "annotations": {
            "seldon.io/no-engine": "true",
            "seldon.io/svc-name": predictor.service,
            RELEASE_KEY: predictor.release,
            "prometheus.io/scrape": "true",
            "prometheus.io/port": str(METRICS_PORT),
            "prometheus.io/path": "/metrics",
        },
        "labels": {MODEL_KEY: served.model, RELEASE_KEY: predictor.label},
        "traffic": predictor.weight,
        # Then it is called failed, instead of progressing for ever.
        "progressDeadlineSeconds": 2 * _STARTUP_SECONDS,
        "graph": {"name": CONTAINER, "type": "MODEL"},
        "componentSpecs": [{"spec": _pod(served, predictor)}],
    }
    if settings.autoscaling is None:
        found["replicas"] = settings.replicas
    return found


def _pod(served: Served, predictor: Predictor) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": UNREADY_SECONDS + DRAIN_SECONDS + LOG_SECONDS,
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"seldon-app": predictor.service}},
            }
        ],
        "containers": [_container(served, predictor)],
        "volumes": [{"name": name, **source} for name, source, _ in _volumes(served)],
    }


def _container(served: Served, predictor: Predictor) -> dict[str, Any]:
    return {
        "name": CONTAINER,
        "image": predictor.image,
        "imagePullPolicy": "IfNotPresent",
        # A server that refuses its release says why in its log, and so in the pod's status, for the canary loop.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "args": [
            f"{IMAGE_FOLDER}/{predictor.release}", "--host", "0.0.0.0",
            "--unready-seconds", str(UNREADY_SECONDS), "--drain-seconds", str(DRAIN_SECONDS),
            "--spool-mib", str(_SPOOL_MIB),
        ],
        "env": _environment(served),
        "ports": [
            {"name": name, "containerPort": port, "protocol": "TCP"}
            for name, port in (("http", HTTP_PORT), ("grpc", GRPC_PORT), ("metrics", METRICS_PORT))
        ],
        "startupProbe": _probe("/v2/health/ready", every=1, failures=_STARTUP_SECONDS),
        "readinessProbe": _probe("/v2/health/ready", every=2, failures=2),
        "livenessProbe": _probe("/v2/health/live", every=10, failures=3),
        "lifecycle": {"preStop": {"httpGet": {"path": "/v2/health/live", "port": HTTP_PORT, "scheme": "HTTP"}}},
        "resources": served.settings.resources.model_dump(),
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [
            {"name": name, "mountPath": path} | ({} if "emptyDir" in source else {"readOnly": True})
            for name, source, path in _volumes(served)
        ],
    }  # fmt: skip


def _probe(path: str, every: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": HTTP_PORT, "scheme": "HTTP"},
        "periodSeconds": every,
        "timeoutSeconds": 2,
        "failureThreshold": failures,
        "successThreshold": 1,
    }


def _environment(served: Served) -> list[dict[str, Any]]:
    log = served.settings.request_log
    plain = {"SLIPWAY_KEY": MOUNTED} if served.keys else {}
    if log is None:
        return _plain(plain)
    plain |= {"SLIPWAY_SPOOL": _SPOOL}
    if log.token_key is not None:
        plain |= {"SLIPWAY_TOKEN_KEY": f"{_TOKEN_KEY}/token.key"}
    url = {"secretKeyRef": {"name": log.secret, "key": "url"}}
    return [{"name": "SLIPWAY_REQUEST_LOG", "valueFrom": url}, *_plain(plain)]


def _plain(variables: dict[str, str]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in variables.items()]


def _volumes(served: Served) -> list[tuple[str, dict[str, Any], str]]:
    """Name, source and path of each volume."""
    found: list[tuple[str, dict[str, Any], str]] = [("tmp", {"emptyDir": {"sizeLimit": "64Mi"}}, "/tmp")]
    if served.keys:
        found.append(("keys", {"configMap": {"name": config_map_name(served)}}, MOUNTED))
    log = served.settings.request_log
    if log is None:
        return found
    # Beyond its limit the pod would be evicted, and the server keeps below it by itself.
    found.append(("spool", {"emptyDir": {"sizeLimit": f"{2 * _SPOOL_MIB}Mi"}}, _SPOOL))
    if log.token_key is not None:
        found.append(("token", {"secret": {"secretName": log.token_key}}, _TOKEN_KEY))
    return found
