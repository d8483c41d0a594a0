"""The platform's Git server: what Argo CD reads, and where `git push platform main` goes."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from infra.clusters.capabilities import Exposure
from infra.names import NODE_PORTS

NAMESPACE = "slipway-git"
USER = "slipway"
INSIDE = f"http://git.{NAMESPACE}.svc.cluster.local"
"""How the cluster calls it."""
ARGOCD_WEBHOOK = "http://argocd-server.argocd.svc.cluster.local/api/webhook"
_LABELS = {"app.kubernetes.io/name": "git", "app.kubernetes.io/part-of": "slipway"}
_PORT = 8080
_UID = 65532


@dataclass(frozen=True)
class GitServerArgs:
    """What the server needs."""

    image: pulumi.Input[str]
    """Its image, by digest."""
    password: pulumi.Input[str]
    """With which one may push."""
    webhook_secret: pulumi.Input[str]
    """With which it signs what it tells Argo CD."""
    exposure: Exposure
    size: str = "2Gi"
    """Of its volume."""


class GitServer(pulumi.ComponentResource):
    """Two repositories over HTTP, on a volume: everyone in the cluster reads, one password writes."""

    url: pulumi.Output[str]
    """Where people reach it, without a path; ready when this is known."""

    def __init__(self, name: str, args: GitServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:bootstrap:GitServer", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        credentials = self._credentials(args)
        volume = self._volume(args)
        deployment = kubernetes.apps.v1.Deployment(
            f"{name}-server",
            metadata={"name": "git", "namespace": NAMESPACE, "labels": _LABELS},
            spec={
                "replicas": 1,
                # The volume belongs to one pod at a time.
                "strategy": {"type": "Recreate"},
                "selector": {"match_labels": _LABELS},
                "template": {"metadata": {"labels": _LABELS, "annotations": _stamp(args)}, "spec": _pod(args.image)},
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[credentials, volume]),
        )
        service = self._service(args.exposure)
        known = args.exposure.urls.get("git", _balanced(service))
        self.url = pulumi.Output.all(known, deployment.id, service.id).apply(lambda parts: str(parts[0]))
        self.register_outputs({"url": self.url})

    def _credentials(self, args: GitServerArgs) -> kubernetes.core.v1.Secret:
        return kubernetes.core.v1.Secret(
            "git-credentials",
            metadata={"name": "git-credentials", "namespace": NAMESPACE},
            string_data={
                "htpasswd": pulumi.Output.from_input(args.password).apply(htpasswd),
                "webhook-secret": args.webhook_secret,
            },
            opts=self._child,
        )

    def _volume(self, args: GitServerArgs) -> kubernetes.core.v1.PersistentVolumeClaim:
        # Not awaited: a class that waits for the first consumer would bind it only after the pod, which comes later.
        return kubernetes.core.v1.PersistentVolumeClaim(
            "git-volume",
            metadata={"name": "git", "namespace": NAMESPACE, "annotations": {"pulumi.com/skipAwait": "true"}},
            spec={"access_modes": ["ReadWriteOnce"], "resources": {"requests": {"storage": args.size}}},
            opts=self._child,
        )

    def _service(self, exposure: Exposure) -> kubernetes.core.v1.Service:
        port: kubernetes.core.v1.ServicePortArgsDict = {"name": "http", "port": 80, "target_port": "http"}
        if exposure.service_type == "NodePort":
            port["node_port"] = NODE_PORTS["git"]
        annotations = dict(exposure.annotations)
        return kubernetes.core.v1.Service(
            "git-service",
            metadata={"name": "git", "namespace": NAMESPACE, "labels": _LABELS, "annotations": annotations},
            spec={"type": exposure.service_type, "selector": _LABELS, "ports": [port]},
            opts=self._child,
        )


def htpasswd(password: str) -> str:
    """The line of the password file. Unsalted SHA-1 is enough for forty random characters, and always the same."""
    digest = base64.b64encode(hashlib.sha1(password.encode(), usedforsecurity=False).digest()).decode()
    return f"{USER}:{{SHA}}{digest}\n"


def _stamp(args: GitServerArgs) -> dict[str, pulumi.Output[str]]:
    # The server reads its files when it starts: other credentials need another pod.
    both = pulumi.Output.all(args.password, args.webhook_secret)
    digest = both.apply(lambda parts: hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16])
    return {"slipway.dev/credentials": pulumi.Output.unsecret(digest)}


def _pod(image: pulumi.Input[str]) -> kubernetes.core.v1.PodSpecArgsDict:
    probe: kubernetes.core.v1.ProbeArgsDict = {"http_get": {"path": "/platform.git/HEAD", "port": "http"}}
    return {
        "automount_service_account_token": False,
        "security_context": {
            "run_as_non_root": True,
            "run_as_user": _UID,
            "run_as_group": _UID,
            "fs_group": _UID,
            "seccomp_profile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "git",
                "image": image,
                "env": [
                    {"name": "ARGOCD_WEBHOOK_URL", "value": ARGOCD_WEBHOOK},
                    {"name": "SLIPWAY_GIT_URL", "value": INSIDE},
                ],
                "ports": [{"name": "http", "container_port": _PORT}],
                "readiness_probe": {**probe, "period_seconds": 2},
                "liveness_probe": {**probe, "period_seconds": 20, "failure_threshold": 5},
                "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"memory": "512Mi"}},
                "security_context": {
                    "allow_privilege_escalation": False,
                    "read_only_root_filesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volume_mounts": [
                    {"name": "repositories", "mount_path": "/srv/git"},
                    {"name": "credentials", "mount_path": "/etc/slipway-git", "read_only": True},
                    {"name": "tmp", "mount_path": "/tmp"},
                ],
            }
        ],
        "volumes": [
            {"name": "repositories", "persistent_volume_claim": {"claim_name": "git"}},
            {"name": "credentials", "secret": {"secret_name": "git-credentials"}},
            {"name": "tmp", "empty_dir": {}},
        ],
    }


def _balanced(service: kubernetes.core.v1.Service) -> pulumi.Output[str]:
    def address(status: kubernetes.core.v1.outputs.ServiceStatus | None) -> str:
        ingress = status.load_balancer.ingress if status and status.load_balancer else None
        return f"http://{ingress[0].hostname or ingress[0].ip}" if ingress else ""

    return service.status.apply(address)
