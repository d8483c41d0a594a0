"""Where a platform keeps its files on the machine that runs it, after the XDG base directory specification."""

from __future__ import annotations

import os
import re
from pathlib import Path

from infra.errors import UsageError

REPOSITORY = Path(__file__).resolve().parent.parent
PROGRAM = REPOSITORY / "infra"
_OF_A_STACK = ("provider", "pulumi", "cluster")
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,28}[a-z0-9])?")


def check_stack_name(stack: str) -> None:
    """Raise UsageError unless the name can stand in a file name, a host name and a cgroup."""
    if not _NAME.fullmatch(stack):
        raise UsageError(
            f"{stack!r} cannot be the name of a stack.",
            "Use lower-case letters, digits and dashes, a letter first, at most 30 of them, e.g. `local`.",
        )


def cache_folder() -> Path:
    """What can be made again: builds, and the plugins of Pulumi."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "slipway"


def state_root() -> Path:
    """The folder that holds one folder per stack."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "slipway"


def state_folder(stack: str) -> Path:
    """What one stack must not lose: its cluster's data, Pulumi's state, and credentials. It may not exist yet."""
    return state_root() / stack


def known_stacks() -> list[str]:
    """The stacks that have state on this machine. Other parts of Slipway keep folders beside theirs."""
    root = state_root()
    folders = [folder for folder in root.iterdir() if _NAME.fullmatch(folder.name)] if root.is_dir() else []
    return sorted(folder.name for folder in folders if any((folder / part).exists() for part in _OF_A_STACK))
