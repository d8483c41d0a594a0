"""What Argo CD says of what it applies."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kr8s
import yaml
from kr8s.objects import new_class

from infra.errors import PlatformError

# Named in full: to look a kind up asks every extension of the API, and one that is not up yet would fail it.
APPLICATION = new_class("Application", "argoproj.io/v1alpha1", asyncio=False, plural="applications")
ROOT = "slipway"
PATIENCE = 900.0
"""Seconds. A cluster on two busy cores has pulled and started everything by then."""


@dataclass(frozen=True)
class Application:
    """One Application of Argo CD."""

    sync: str
    """`Synced` when the cluster holds what Git holds."""
    health: str
    """`Healthy`, `Progressing`, `Degraded`, `Missing`, ..."""
    message: str
    """Why not, where Argo CD says so."""

    @property
    def is_settled(self) -> bool:
        return (self.sync, self.health) == ("Synced", "Healthy")


def read(kubeconfig: Path) -> dict[str, Application]:
    """The Applications by name; empty before Argo CD is there.

    Raises:
        PlatformError: the cluster does not answer
    """
    try:
        api = kr8s.api(kubeconfig=yaml.safe_load(kubeconfig.read_text()))
        listed = APPLICATION.list(namespace="argocd", api=api)
        found = [one if isinstance(one, dict) else dict(one.raw) for one in listed]
    except kr8s.NotFoundError:  # Argo CD is not installed yet
        return {}
    except Exception as error:  # kr8s passes on what its HTTP client raises
        raise PlatformError(
            f"The cluster does not answer: {error or type(error).__name__}.", "Look with `make platform-status`."
        ) from error
    return {one["metadata"]["name"]: _application(one.get("status") or {}) for one in found}


def wait(
    look: Callable[[], Mapping[str, Application]], say: Callable[[str], None], patience: float = PATIENCE
) -> dict[str, Application]:
    """Wait until all Applications are Synced and Healthy, and say when one becomes so.

    Args:
        look: reads the Applications, as `read` does
        say: takes a line of progress
        patience: in seconds

    Raises:
        PlatformError: some are not in time; each is named, with what Argo CD says of it
    """
    end = time.monotonic() + patience
    told: set[str] = set()
    while True:
        found = dict(look())
        settled = {name for name, application in found.items() if application.is_settled}
        for name in sorted(settled - told):
            say(f"{name} is Synced and Healthy")
        told = settled
        if ROOT in found and len(settled) == len(found):
            return found
        if time.monotonic() > end:
            raise _late(found, patience)
        time.sleep(2)


def _application(status: Mapping[str, Any]) -> Application:
    said = [(status.get("operationState") or {}).get("message"), (status.get("health") or {}).get("message")]
    said += [condition.get("message") for condition in status.get("conditions") or []]
    sync = (status.get("sync") or {}).get("status", "Unknown")
    health = (status.get("health") or {}).get("status", "Unknown")
    return Application(sync, health, "; ".join(text for text in said if text))


def _late(found: Mapping[str, Application], patience: float) -> PlatformError:
    wrong = [
        f"  {name}: {application.sync}, {application.health} {application.message}".rstrip()
        for name, application in sorted(found.items())
        if not application.is_settled
    ]
    return PlatformError(
        "\n".join([f"After {patience:.0f} s Argo CD has not applied everything:", *(wrong or ["  nothing yet"])]),
        "Argo CD goes on trying. Wait and run the same again, or look at what it says of each.",
    )
