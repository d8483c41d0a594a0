"""Argo CD from upstream's own manifests, and the root application with which it takes over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from infra.bootstrap.manifests import NAMESPACE, Document, adapt
from infra.clusters.capabilities import Exposure
from infra.settings import GitOps

SERVER = "https://kubernetes.default.svc"
_API = "argoproj.io/v1alpha1"


@dataclass(frozen=True)
class ArgoCdArgs:
    """What Argo CD is installed with."""

    documents: Sequence[Document]
    """Upstream's install.yaml."""
    webhook_secret: pulumi.Input[str]
    """With which the Git server signs its pushes."""
    reconciliation: str
    exposure: Exposure


class ArgoCd(pulumi.ComponentResource):
    """Server, repo-server, application and applicationset controllers, and Redis; neither dex nor notifications."""

    installed: pulumi.Output[list[pulumi.Resource]]
    """All its objects. To depend on the component alone is not enough: they are made only once their YAML is read."""

    def __init__(self, name: str, args: ArgoCdArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:bootstrap:ArgoCd", name, None, opts)
        secret = kubernetes.core.v1.Secret(
            f"{name}-secret",
            metadata={
                "name": "argocd-secret",
                "namespace": NAMESPACE,
                "labels": {"app.kubernetes.io/name": "argocd-secret", "app.kubernetes.io/part-of": "argocd"},
            },
            # Argo CD adds its own keys to it, the administrator's password among them.
            string_data={"webhook.github.secret": args.webhook_secret},
            opts=pulumi.ResourceOptions(parent=self),
        )
        documents = adapt(
            args.documents,
            reconciliation=args.reconciliation,
            service_type=args.exposure.service_type,
            annotations=args.exposure.annotations,
        )
        manifests = kubernetes.yaml.ConfigGroup(
            f"{name}-manifests",
            # JSON is YAML too, and written a hundred times as fast.
            yaml=["\n---\n".join(json.dumps(document) for document in documents)],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[secret]),
        )
        self.installed = manifests.resources.apply(lambda objects: list(objects.values()))
        self.register_outputs({})


@dataclass(frozen=True)
class RootApplicationArgs:
    """What the root application reads, and what it must be told about this platform."""

    repository: pulumi.Input[str]
    gitops: GitOps
    facts: Mapping[str, pulumi.Input[str]]
    """What gitops/argocd/platform.yaml asks for and only the bootstrap knows."""
    outlives: bool
    """Whether the cluster outlives the platform, so that what Argo CD has applied must be removed one by one."""


class RootApplication(pulumi.ComponentResource):
    """The one Application that Pulumi applies. Everything else, Argo CD applies."""

    def __init__(self, name: str, args: RootApplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("slipway:bootstrap:RootApplication", name, None, opts)
        project = kubernetes.apiextensions.CustomResource(
            "platform-project",
            api_version=_API,
            kind="AppProject",
            metadata={"name": "platform", "namespace": NAMESPACE},
            spec=_project(args.repository),
            opts=pulumi.ResourceOptions(parent=self),
        )
        finalizers = ["resources-finalizer.argocd.argoproj.io"] if args.outlives else []
        kubernetes.apiextensions.CustomResource(
            name,
            api_version=_API,
            kind="Application",
            metadata={"name": "slipway", "namespace": NAMESPACE, "finalizers": finalizers},
            spec=_application(args),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[project]),
        )
        self.register_outputs({})


def _project(repository: pulumi.Input[str]) -> dict[str, object]:
    kinds = ("AppProject", "Application", "ApplicationSet")
    return {
        "description": "The root application: it may make projects and applications, and nothing else",
        "sourceRepos": [repository],
        "destinations": [{"server": SERVER, "namespace": NAMESPACE}],
        "clusterResourceWhitelist": [],
        "namespaceResourceWhitelist": [{"group": "argoproj.io", "kind": kind} for kind in kinds],
    }


def _application(args: RootApplicationArgs) -> dict[str, object]:
    patch = pulumi.Output.all(**args.facts).apply(_patch)
    return {
        "project": "platform",
        "source": {
            "repoURL": args.repository,
            "targetRevision": args.gitops.revision,
            "path": args.gitops.path,
            "kustomize": {"patches": [{"target": {"kind": "ConfigMap", "name": "platform"}, "patch": patch}]},
        },
        "destination": {"server": SERVER, "namespace": NAMESPACE},
        "syncPolicy": {
            "automated": {"prune": True, "selfHeal": True},
            "syncOptions": ["ServerSideApply=true"],
            "retry": {"limit": 60, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "10s"}},
        },
    }


def _patch(facts: Mapping[str, str]) -> str:
    document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "platform"}, "data": dict(facts)}
    return json.dumps(document, sort_keys=True)
