"""Kubernetes' API, as far as a roll-out needs it: how a release's pods run, and a Lease that one of several holds.

In a cluster by the pod's ServiceAccount; elsewhere by a kubeconfig.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from lightkube import ApiError, Client, ConfigError, KubeConfig
from lightkube.generic_resource import create_namespaced_resource
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import Pod
from yaml import YAMLError

from slipway.errors import SlipwayError

_SeldonDeployment = create_namespaced_resource(
    "machinelearning.seldon.io", "v1", "SeldonDeployment", "seldondeployments"
)
_Application = create_namespaced_resource("argoproj.io", "v1alpha1", "Application", "applications")
_TIMEOUT = httpx2.Timeout(4.0)
_NOT_FOUND, _CONFLICT = 404, 409


class KubeFault(SlipwayError):
    """Kubernetes is away, or refuses."""

    exit_code = 3


class LeaseTaken(KubeFault):
    """Somebody else has written the Lease meanwhile."""


class Cluster:
    """One cluster.

    Args:
        kubeconfig: the file that says where it is; None for the pod's ServiceAccount, or for what kubectl would take.

    Raises:
        KubeFault: when nothing says where a cluster is.
    """

    def __init__(self, kubeconfig: Path | None = None) -> None:
        with _telling():
            try:
                config = KubeConfig.from_file(kubeconfig) if kubeconfig is not None else KubeConfig.from_env()
                self._client = Client(config=config, timeout=_TIMEOUT)
            except (LookupError, TypeError, AttributeError, YAMLError) as error:
                raise ConfigError(f"{kubeconfig or 'the kubeconfig'} is none ({error!r})") from error

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def pods(self, namespace: str, service: str) -> list[Pod]:
        """The pods behind a release's Service.

        Raises:
            KubeFault: when Kubernetes cannot be asked.
        """
        with _telling():
            return list(self._client.list(Pod, namespace=namespace, labels={"seldon-app": service}))

    def deployment(self, namespace: str, name: str) -> Deployment | None:
        """A Deployment; None if there is none.

        Raises:
            KubeFault: when Kubernetes cannot be asked.
        """
        found: Deployment | None = self._find(Deployment, namespace, name)
        return found

    def seldon_status(self, namespace: str, name: str) -> dict[str, Any]:
        """The status of a SeldonDeployment, as the operator writes it; empty if there is none.

        Raises:
            KubeFault: when Kubernetes cannot be asked.
        """
        found = self._find(_SeldonDeployment, namespace, name)
        return dict(found.to_dict().get("status") or {}) if found is not None else {}

    def argo_status(self, namespace: str, name: str) -> dict[str, Any] | None:
        """The status of an Application of Argo CD; None if there is no such Application.

        Raises:
            KubeFault: when Kubernetes cannot be asked.
        """
        found = self._find(_Application, namespace, name)
        return dict(found.to_dict().get("status") or {}) if found is not None else None

    def lease(self, namespace: str, name: str) -> Lease | None:
        """A Lease; None if there is none.

        Raises:
            KubeFault: when Kubernetes cannot be asked.
        """
        found: Lease | None = self._find(Lease, namespace, name)
        return found

    def write_lease(self, namespace: str, name: str, spec: LeaseSpec, instead_of: Lease | None) -> Lease:
        """Write a Lease in place of the one that was read, or of none.

        Raises:
            LeaseTaken: when another has been written meanwhile.
            KubeFault: when Kubernetes cannot be asked.
        """
        version = instead_of.metadata.resourceVersion if instead_of is not None and instead_of.metadata else None
        lease = Lease(metadata=ObjectMeta(name=name, namespace=namespace, resourceVersion=version), spec=spec)
        with _telling():
            try:
                return self._client.create(lease) if version is None else self._client.replace(lease)
            except ApiError as error:
                if error.status.code == _CONFLICT:
                    raise LeaseTaken(
                        f"The Lease {namespace}/{name} has another holder now.", "Nothing to do."
                    ) from error
                raise

    def _find(self, kind: Any, namespace: str, name: str) -> Any:
        with _telling():
            try:
                return self._client.get(kind, name, namespace=namespace)
            except ApiError as error:
                if error.status.code == _NOT_FOUND:
                    return None
                raise


@contextmanager
def _telling() -> Iterator[None]:
    """Say of each of the library's errors what is wrong, and what to do."""
    try:
        yield
    except ConfigError as error:
        raise KubeFault(
            f"Nothing says where the cluster is: {error}.",
            "Name its kubeconfig, or a platform's record with --platform.",
        ) from error
    except ApiError as error:
        raise KubeFault(
            f"Kubernetes refuses: {error.status.message or error.status.reason}.", "See what its roles allow."
        ) from error
    except (httpx2.HTTPError, OSError, ValueError) as error:
        said = str(error) or type(error).__name__
        raise KubeFault(f"Kubernetes cannot be asked: {said}.", "See whether its API can be reached.") from error
