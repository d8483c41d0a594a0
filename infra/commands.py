"""Run a provider's command line programs, and tell people what one said when it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence

from infra.errors import PlatformError


def run(command: Sequence[str], remedy: str, *, stdin: str = "", environment: Mapping[str, str] | None = None) -> str:
    """Its standard output.

    Raises:
        PlatformError: it is not installed, or fails; with the end of what it said, and the remedy given
    """
    try:
        done = subprocess.run(
            list(command),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | dict(environment or {}),
        )
    except FileNotFoundError:
        raise PlatformError(f"{command[0]} is not installed.", remedy) from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-800:]
        raise PlatformError(f"`{' '.join(command[:4])}` failed: {said}", remedy)
    return done.stdout


def say(line: str) -> None:
    """Tell people how far it is. To standard error: standard output belongs to the protocol of Pulumi's plugins."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
