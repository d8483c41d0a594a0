"""Where the platform is: its registry and its Git, from the record that `make platform-up` leaves."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import EnvironmentFault
from slipway.files import read_json

VARIABLE = "SLIPWAY_PLATFORM"
_STACK = "local"


@dataclass(frozen=True)
class Platform:
    """One platform.

    Attributes:
        registry: the prefix of image names, as the cluster resolves them.
        push_url: where the same registry takes images from here.
        git: the URL of the monorepo that the cluster runs.
        kubeconfig: the file by which its cluster is asked; None where the record names none.
        prometheus: the URL of its Prometheus; None likewise.
    """

    registry: str
    push_url: str
    git: str
    kubeconfig: Path | None = None
    prometheus: str | None = None


def default_file() -> Path:
    """The record of stack "local"."""
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "slipway" / _STACK / "platform.json"


def read(file: Path | None) -> Platform:
    """Read a platform's record; None for the one of stack "local".

    Raises:
        EnvironmentFault: when there is none, or it does not say what it must.
    """
    path = file or default_file()
    if not path.is_file():
        raise EnvironmentFault(
            f"There is no platform: {path} does not exist.",
            f"Run `make platform-up`, or name another platform's record with --platform or {VARIABLE}.",
        )
    content = read_json(path)
    try:
        registry = content["registry"]
        kubeconfig, prometheus = content.get("kubeconfig"), content.get("urls", {}).get("prometheus")
        found = Platform(
            str(registry["prefix"]), str(registry["push_url"]), str(content["git"]["url"]),
            Path(kubeconfig) if kubeconfig else None, str(prometheus) if prometheus else None,
        )  # fmt: skip
    except (LookupError, TypeError, AttributeError) as error:
        raise EnvironmentFault(
            f"{path} does not say where registry and Git are ({error!r}).", "Run `make platform-up` again."
        ) from error
    return found
