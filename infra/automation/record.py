"""What other programs need to know of a platform, in one file of the stack's state folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.errors import PlatformError
from infra.files import write as replace
from infra.paths import state_folder

PLATFORM = "platform.json"
KUBECONFIG = "kubeconfig"


def write(stack: str, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Write `platform.json` and the kubeconfig that it names, for their owner alone.

    Args:
        stack: the stack's name
        outputs: the program's outputs: kubeconfig, registry, git, canary, urls

    Returns:
        what stands in the file: stack, kubeconfig (a path), registry, git, canary (public_key), urls; no secret
    """
    folder = state_folder(stack)
    kubeconfig = folder / KUBECONFIG
    replace(kubeconfig, str(outputs["kubeconfig"]))
    git = {name: outputs["git"][name] for name in ("url", "upstream_url")}
    platform = {"stack": stack, "kubeconfig": str(kubeconfig), "registry": outputs["registry"], "git": git}
    platform |= {"canary": outputs["canary"], "urls": outputs["urls"]}
    replace(folder / PLATFORM, json.dumps(platform, indent=2) + "\n")
    return platform


def read(stack: str) -> dict[str, Any]:
    """The record of a platform that is up.

    Raises:
        PlatformError: there is none, because the stack was never up
    """
    path = state_folder(stack) / PLATFORM
    try:
        platform: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise PlatformError(
            f"The platform {stack!r} is not up: {path} does not exist.", f"Run `make platform-up STACK={stack}`."
        ) from None
    return platform
