"""The credentials of the platform, generated once, and the namespaces that hold them."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import pulumi
import pulumi_kubernetes as kubernetes

from infra.bootstrap.account import account, line
from infra.bootstrap.generated import Password, ServingCertificate, SigningKey
from infra.settings import GitOps

MODEL_NAMESPACES = ("staging", "production")
NAMESPACES = ("argocd", "slipway-git", "seldon-system", "mlflow", "nats", "slipway", *MODEL_NAMESPACES)
"""Bare here; Argo CD adds the labels of Pod Security (gitops/addons/policies)."""
NATS = "nats.nats.svc.cluster.local:4222"
CANARY = "canary@slipway.internal"
"""Who the canary loop's commits are by."""
WEBHOOK_SERVICE = "seldon-webhook-service.seldon-system.svc"


class PlatformSecrets(pulumi.ComponentResource):
    """The namespaces, and in each the secrets that what Argo CD installs there expects."""

    git_password: pulumi.Output[str]
    """With which one may push to the platform's Git server."""
    webhook_secret: pulumi.Output[str]
    """With which the Git server signs what it tells Argo CD."""
    seldon_authority: pulumi.Output[str]
    """Base64 of the PEM of the authority that the API server must trust when it asks the Seldon operator."""
    canary_key: pulumi.Output[str]
    """The public key of the canary loop, which signs its commits."""

    def __init__(self, name: str, gitops: GitOps, opts: pulumi.ResourceOptions | None = None) -> None:
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
        self.canary_key = self._canary(gitops)
        self.register_outputs({})

    def _nats(self) -> None:
        child = pulumi.ResourceOptions(parent=self)
        users = "server", "collector", "canary"
        passwords = {user: Password(f"nats-{user}-password", opts=child).value for user in users}
        urls = {user: pulumi.Output.concat(f"nats://{user}:", value, f"@{NATS}") for user, value in passwords.items()}
        self._put("nats", "nats-users", passwords)
        self._put("nats", "request-log-collector", {"url": urls["collector"]})
        self._put("slipway", "canary-request-log", {"url": urls["canary"]})
        for namespace in MODEL_NAMESPACES:
            self._put(namespace, "request-log", {"url": urls["server"]})

    def _seldon_webhook(self) -> pulumi.Output[str]:
        names = [WEBHOOK_SERVICE, f"{WEBHOOK_SERVICE}.cluster.local"]
        made = ServingCertificate("seldon-webhook", names, pulumi.ResourceOptions(parent=self))
        data = {"tls.crt": made.certificate, "tls.key": made.key, "ca.crt": made.authority}
        self._put("seldon-system", "seldon-webhook-server-cert", data, kind="kubernetes.io/tls")
        return made.authority.apply(lambda pem: base64.b64encode(pem.encode()).decode())

    def _canary(self, gitops: GitOps) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        given = account(gitops, self.git_password)
        password = pulumi.Output.secret(given.password)
        stored = password.apply(lambda text: line(given.url, given.user, text))
        data: dict[str, pulumi.Input[str]]
        data = {"url": given.url, "user": given.user, "password": password, "credentials": stored}
        self._put("slipway", "canary-git", data)
        key = SigningKey("canary-signing-key", CANARY, child)
        self._put("slipway", "canary-signing-key", {"id_ed25519": key.private})
        return key.public

    def _put(
        self, namespace: str, name: str, data: Mapping[str, pulumi.Input[str]], kind: str = "Opaque"
    ) -> kubernetes.core.v1.Secret:
        return kubernetes.core.v1.Secret(
            f"{namespace}/{name}",
            metadata={"name": name, "namespace": namespace},
            type=kind,
            string_data=data,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.namespaces[namespace]]),
        )
