"""Which provider a machine can run, and why."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass

from infra.errors import PlatformError
from infra.paths import state_folder
from infra.settings import StackSettings

_ENGINES = ("docker", "podman")


@dataclass(frozen=True)
class Machine:
    """What a machine has that a local cluster could run on."""

    engines: tuple[str, ...]
    """Container engines that answer, best first."""
    has_kind: bool
    is_linux: bool
    is_root: bool


@dataclass(frozen=True)
class Choice:
    """A provider and the reason, for people."""

    provider: str
    reason: str


def look() -> Machine:
    """Ask the machine that this runs on."""
    return Machine(
        engines=tuple(engine for engine in _ENGINES if engine_answers(engine)),
        has_kind=shutil.which("kind") is not None,
        is_linux=platform.system() == "Linux",
        is_root=hasattr(os, "geteuid") and os.geteuid() == 0,
    )


def engine_answers(engine: str) -> bool:
    """Whether a container engine is installed and its service is up."""
    if shutil.which(engine) is None:
        return False
    try:
        # `info` asks the daemon, where `version` is content with the client.
        run = subprocess.run([engine, "info"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return run.returncode == 0


def choose(settings: StackSettings, machine: Machine) -> Choice:
    """The provider that the settings name, or the best that the machine can run.

    Raises:
        PlatformError: `auto`, and the machine can run none
    """
    if settings.provider != "auto":
        return Choice(settings.provider, "the stack's settings name it")
    if machine.engines and machine.has_kind:
        return Choice("kind", f"{machine.engines[0]} runs here and the kind CLI is installed")
    lacks = "no Docker or Podman answers" if not machine.engines else "the kind CLI is not installed"
    if machine.is_linux and machine.is_root:
        return Choice("processes", f"{lacks}, and this is Linux with root: the node runs as plain processes")
    wanted = "Linux" if not machine.is_linux else "root"
    raise PlatformError(
        f"No local cluster can run here: kind cannot, because {lacks}, and plain processes need {wanted}.",
        "Install Docker (or Podman) and kind, or run as root on Linux, or use a cluster that exists: "
        "`make platform-up STACK=existing`.",
    )


def for_stack(stack: str, settings: StackSettings) -> Choice:
    """The provider of a stack: what it was brought up with, as long as the settings do not name another.

    Raises:
        PlatformError: the settings name another than the stack runs on, or the machine can run none
    """
    before = remembered(stack)
    if before is None:
        return choose(settings, look())
    if settings.provider not in ("auto", before):
        raise PlatformError(
            f"Stack {stack} runs on {before}, and its settings now name {settings.provider}.",
            f"Take it down first (`make platform-down STACK={stack}`), or give the other cluster a stack of its own.",
        )
    return Choice(before, "the stack was brought up with it")


def remembered(stack: str) -> str | None:
    """The provider that a stack was brought up with on this machine."""
    path = state_folder(stack) / "provider"
    return path.read_text().strip() if path.is_file() else None


def remember(stack: str, provider: str) -> None:
    """Keep the choice, because what `auto` means changes with what is installed later."""
    path = state_folder(stack) / "provider"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.write_text(f"{provider}\n")
