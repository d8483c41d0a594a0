"""Find the reason of a failure in what the engine says of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from infra.errors import PlatformError

_OURS = re.compile(r"infra\.errors\.(?:PlatformError|UsageError): (?P<what>.+?)\n(?P<remedy>.+?)(?:\n\s*\n|\Z)", re.S)
_NO_PLUGIN = re.compile(r"(?:could not|failed to|error).{0,60}(?:download|find|install|load).{0,60}plugin", re.I | re.S)
_LAST_LINES = 12


def told(errors: Sequence[str], output: str) -> PlatformError:
    """What went wrong, from the engine's error diagnostics, or from its output when there are none.

    A PlatformError that was raised inside a dynamic provider or the program arrives as the text of a traceback, and is
    found again in it.
    """
    text = "\n\n".join(dict.fromkeys(errors)) or output
    ours = _OURS.search(text)
    if ours:
        return PlatformError(ours["what"].strip(), ours["remedy"].strip())
    shown = "\n".join(line for line in text.strip().splitlines()[-_LAST_LINES:])
    if _NO_PLUGIN.search(text):
        return PlatformError(
            f"Pulumi could not get one of its plugins:\n{shown}",
            "It downloads them from GitHub. Where that is not reachable, install them beforehand "
            "(`pulumi plugin install resource kubernetes`), or see tests/pulumi_plugins/README.md.",
        )
    return PlatformError(
        f"Pulumi failed:\n{shown}",
        "What is done so far is kept: correct the cause and run the same again, or take it down.",
    )
