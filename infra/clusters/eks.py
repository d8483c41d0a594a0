"""A cluster on AWS: EKS, with ECR as its registry. The SDKs are an extra of 120 MB, and imported only here.

Checked with Pulumi's mocks and never against AWS. Pushing needs a login first:
`aws ecr get-login-password | docker login --username AWS --password-stdin <account>.dkr.ecr.<region>.amazonaws.com`.
"""

from __future__ import annotations

from importlib.util import find_spec
from types import MappingProxyType

import pulumi

from infra.clusters.capabilities import Capabilities, ClusterStatus, Exposure, RegistryAddress
from infra.errors import PlatformError
from infra.settings import Eks, StackSettings

SDKS = ("pulumi_aws", "pulumi_eks")
INTERNAL = MappingProxyType({"service.beta.kubernetes.io/aws-load-balancer-internal": "true"})
"""Load balancers in the cluster's network alone: nothing of the platform is to stand on the internet by itself."""


class EksCluster(pulumi.ComponentResource):
    """An EKS cluster with a group of nodes, and repositories in ECR that come into being with the first push."""

    capabilities: Capabilities

    def __init__(self, name: str, stack: str, settings: Eks, opts: pulumi.ResourceOptions | None = None) -> None:
        require_sdks()
        import pulumi_aws as aws
        import pulumi_eks as eks

        super().__init__("slipway:clusters:Eks", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        cluster = eks.Cluster(
            name,
            name=f"slipway-{stack}",
            version=settings.kubernetes_version,
            instance_type=settings.instance_type,
            desired_capacity=settings.nodes,
            min_size=1,
            max_size=settings.max_nodes,
            node_root_volume_encrypted=True,
            create_oidc_provider=True,
            opts=child,
        )
        prefix = f"slipway-{stack}"
        repositories = aws.ecr.RepositoryCreationTemplate(
            f"{name}-repositories",
            prefix=prefix,
            applied_fors=["CREATE_ON_PUSH"],
            image_tag_mutability="IMMUTABLE",
            encryption_configurations=[{"encryption_type": "AES256"}],
            opts=child,
        )
        account, region = aws.get_caller_identity_output(), aws.get_region_output()
        registry = pulumi.Output.concat(account.account_id, ".dkr.ecr.", region.region, ".amazonaws.com/", prefix)
        # Not before the template is there.
        registry = pulumi.Output.all(registry, repositories.id).apply(lambda both: str(both[0]))
        self.capabilities = Capabilities(
            kubeconfig=pulumi.Output.secret(cluster.kubeconfig_json),
            registry=RegistryAddress(pulumi.Output.concat("https://", registry), registry),
            exposure=Exposure("LoadBalancer", {}, INTERNAL),
            mirrors_upstream=False,
            signs_kubelets=True,
            lifetime=None,
        )
        self.register_outputs({})


class Provider:
    """AWS, with the credentials that its own command line finds."""

    owns_cluster = False

    def check(self, stack: str, settings: StackSettings) -> None:
        """That the SDKs are installed; credentials are checked by the provider's plugin before it changes anything."""
        require_sdks()

    def provision(self, stack: str, settings: StackSettings) -> Capabilities:
        """Declare the cluster and its repositories."""
        return EksCluster("cluster", stack, settings.eks).capabilities

    def status(self, stack: str) -> ClusterStatus:
        """Only AWS knows."""
        return ClusterStatus("unknown", f"ask AWS: aws eks describe-cluster --name slipway-{stack}")

    def stop(self, stack: str) -> None:
        """Refused."""
        raise _cannot("stopped")

    def start(self, stack: str) -> None:
        """Refused."""
        raise _cannot("started")

    def remove(self, stack: str) -> None:
        """Nothing: Pulumi has removed it, or has failed and said so."""


PROVIDER = Provider()


def require_sdks() -> None:
    """Raise PlatformError unless the extra is installed."""
    missing = [name for name in SDKS if find_spec(name) is None]
    if missing:
        raise PlatformError(
            f"Provider eks needs {' and '.join(missing)}, which this environment does not have.",
            "Install the extra: uv sync --project infra --group eks",
        )


def _cannot(done: str) -> PlatformError:
    return PlatformError(
        f"An EKS cluster is not {done}: AWS has no such state.", "Scale its nodes instead, or take the platform down."
    )
