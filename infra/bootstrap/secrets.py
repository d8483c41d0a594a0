"""The credentials of the platform, generated once, and the namespaces that hold them."""

from __future__ import annotations

import base64

import pulumi
import pulumi_kubernetes as kubernetes

from infra.bootstrap.generated import Password, ServingCertificate

MODEL_NAMESPACES = ("staging", "production")
NAMESPACES = ("argocd", "slipway-git", "seldon-system", "mlflow", "nats", *MODEL_NAMESPACES)
"""Bare here; Argo CD adds the labels of Pod Security (gitops/addons/policies)."""
NATS = "nats.nats.svc.cluster.local:4222"
WEBHOOK_SERVICE = "seldon-webhook-service.seldon-system.svc"


class PlatformSecrets(pulumi.ComponentResource):
    """The namespaces, and in each the secrets that what Argo CD installs there expects."""

    git_password: pulumi.Output[str]
    """With which one may push to the platform's Git server."""
    webhook_secret: pulumi.Output[str]
    """With which the Git server signs what it tells Argo CD."""
    seldon_authority: pulumi.Output[str]
    """Base64 of the PEM of the authority that the API server must trust when it asks the Seldon operator."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:bootstrap:Secrets", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.namespaces = {
            namespace: kubernetes.core.v1.Namespace(f"{namespace}", metadata={"name": namespace}, opts=child)
            for namespace in NAMESPACES
        }
        self.git_password = Password("git-password", opts=child).value
        self.webhook_secret = Password("webhook-secret", opts=child).value
        self._put("mlflow", "mlflow-postgres", {"password": Password("postgres-password", opts=child).value})
        self._nats()
        self.seldon_authority = self._seldon_webhook()
        self.register_outputs({})

    def _nats(self) -> None:
        child = pulumi.ResourceOptions(parent=self)
        passwords = {user: Password(f"nats-{user}-password", opts=child).value for user in ("server", "collector")}
        urls = {user: pulumi.Output.concat(f"nats://{user}:", value, f"@{NATS}") for user, value in passwords.items()}
        self._put("nats", "nats-users", passwords)
        self._put("nats", "request-log-collector", {"url": urls["collector"]})
        for namespace in MODEL_NAMESPACES:
            self._put(namespace, "request-log", {"url": urls["server"]})

    def _seldon_webhook(self) -> pulumi.Output[str]:
        names = [WEBHOOK_SERVICE, f"{WEBHOOK_SERVICE}.cluster.local"]
        made = ServingCertificate("seldon-webhook", names, pulumi.ResourceOptions(parent=self))
        data = {"tls.crt": made.certificate, "tls.key": made.key, "ca.crt": made.authority}
        self._put("seldon-system", "seldon-webhook-server-cert", data, kind="kubernetes.io/tls")
        return made.authority.apply(lambda pem: base64.b64encode(pem.encode()).decode())

    def _put(
        self, namespace: str, name: str, data: dict[str, pulumi.Output[str]], kind: str = "Opaque"
    ) -> kubernetes.core.v1.Secret:
        return kubernetes.core.v1.Secret(
            f"{namespace}/{name}",
            metadata={"name": name, "namespace": namespace},
            type=kind,
            string_data=data,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.namespaces[namespace]]),
        )
