"""The Pulumi program: it only composes. `pulumi up` in this folder runs it, and so does `make platform-up`."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_kubernetes as kubernetes

from infra.bootstrap import upstream
from infra.bootstrap.argocd import ArgoCd, ArgoCdArgs, RootApplication, RootApplicationArgs
from infra.bootstrap.git import INSIDE, USER, GitServer, GitServerArgs
from infra.bootstrap.registry import Registry, RegistryArgs, wanted
from infra.bootstrap.repositories import Seed, Upstream
from infra.bootstrap.secrets import PlatformSecrets
from infra.builds import manifests
from infra.clusters import choice
from infra.clusters.capabilities import Capabilities, provider
from infra.paths import REPOSITORY
from infra.settings import GitOps, from_pulumi

_REPOSITORIES = {"url": "/platform.git", "upstream_url": "/upstream.git"}


def compose() -> None:
    """Declare the platform of the stack that is running."""
    stack, settings = pulumi.get_stack(), from_pulumi()
    cluster = provider(choice.for_stack(stack, settings).provider).provision(stack, settings)
    inside = _inside(cluster)
    registry = Registry("registry", RegistryArgs(cluster.registry, wanted(cluster.mirrors_upstream)), inside)
    secrets = PlatformSecrets("secrets", settings.gitops, inside)
    after_secrets = pulumi.ResourceOptions.merge(inside, pulumi.ResourceOptions(depends_on=[secrets]))
    server = GitServerArgs(registry.reference("git"), secrets.git_password, secrets.webhook_secret, cluster.exposure)
    git = GitServer("git", server, after_secrets)
    argocd = ArgoCd(
        "argocd",
        ArgoCdArgs(upstream.argocd(), secrets.webhook_secret, settings.gitops.reconciliation, cluster.exposure),
        # All third parties' images are there before anything looks for them.
        pulumi.ResourceOptions.merge(after_secrets, pulumi.ResourceOptions(depends_on=[registry])),
    )
    contents = _contents(git, secrets, settings.gitops, inside)
    facts: dict[str, pulumi.Input[str]] = {
        "repoURL": settings.gitops.repository or f"{INSIDE}/platform.git",
        "targetRevision": settings.gitops.revision,
        "seldonWebhookCA": secrets.seldon_authority,
        "seldonImage": registry.reference("seldon-core-operator"),
        "mlflowImage": registry.reference("mlflow"),
        "canaryImage": registry.reference("slipway-canary"),
        "modelImages": pulumi.Output.concat(cluster.registry.pull_prefix, "/"),
    }
    if not cluster.signs_kubelets:
        facts["kubeletTLS"] = "--kubelet-insecure-tls"
    root = RootApplicationArgs(facts["repoURL"], settings.gitops, facts, outlives=cluster.lifetime is None)
    before: pulumi.Output[Sequence[pulumi.Input[pulumi.Resource]]]
    before = argocd.installed.apply(lambda objects: [*objects, *contents])
    handed_over = pulumi.ResourceOptions(depends_on=before)
    RootApplication("root", root, pulumi.ResourceOptions.merge(inside, handed_over))
    _export(cluster, git, secrets)


def _inside(cluster: Capabilities) -> pulumi.ResourceOptions:
    """Options of what is in the cluster: it needs no deleting where the cluster itself goes."""
    kubernetes_provider = kubernetes.Provider(
        "kubernetes",
        kubeconfig=cluster.kubeconfig,
        # What others wrote into the same fields, a person with kubectl above all, is put right.
        enable_patch_force=True,
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )
    return pulumi.ResourceOptions(providers=[kubernetes_provider], deleted_with=cluster.lifetime)


def _contents(
    git: GitServer, secrets: PlatformSecrets, settings: GitOps, inside: pulumi.ResourceOptions
) -> list[pulumi.Resource]:
    """What the Git server holds from the beginning."""
    opts = pulumi.ResourceOptions(parent=git, deleted_with=inside.deleted_with)
    account: dict[str, pulumi.Input[str]] = {"user": USER, "password": secrets.git_password}
    upstreams = Upstream(
        "upstream", manifests.key(), {"url": pulumi.Output.concat(git.url, "/upstream.git"), **account}, opts
    )
    if settings.repository:
        return [upstreams]
    target: dict[str, pulumi.Input[str]] = {"url": pulumi.Output.concat(git.url, "/platform.git"), **account}
    return [upstreams, Seed("platform", REPOSITORY, target, opts)]


def _export(cluster: Capabilities, git: GitServer, secrets: PlatformSecrets) -> None:
    pulumi.export("kubeconfig", pulumi.Output.secret(cluster.kubeconfig))
    pulumi.export("registry", {"prefix": cluster.registry.pull_prefix, "push_url": cluster.registry.push_url})
    urls = {name: pulumi.Output.concat(git.url, path) for name, path in _REPOSITORIES.items()}
    pulumi.export("git", {**urls, "user": USER, "password": secrets.git_password})
    pulumi.export("canary", {"public_key": secrets.canary_key})
    pulumi.export("urls", dict(cluster.exposure.urls))


if __name__ == "__main__":
    compose()
