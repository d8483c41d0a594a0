"""The blocks of the documents that start something in the background: run whole, as a reader would paste them."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.attested import working_tree
from tests.conftest import ROOT
from tests.docs import commands

__all__ = ["working_tree"]

SCRIPTS = [
    pytest.param(block, id=f"{document.relative_to(ROOT)}-{number}")
    for document in commands.documents()
    for number, block in enumerate(commands.scripts(document))
]


def test_there_is_a_script() -> None:
    assert SCRIPTS


def _on_free_ports(script: str) -> str:
    """The script with each port that it names replaced, for others may run beside these tests."""
    named = sorted(set(re.findall(r"127\.0\.0\.1:(\d+)", script)))
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in named]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        free = {port: str(probe.getsockname()[1]) for port, probe in zip(named, probes, strict=True)}
    return re.sub(rf"\b({'|'.join(named)})\b", lambda found: free[found[1]], script)


@pytest.mark.parametrize("script", SCRIPTS)
def test_script_works(script: str, tmp_path: Path, working_tree: dict[str, str]) -> None:
    # Nothing that it started outlives it.
    guarded = "set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n" + _on_free_ports(script)
    environment = os.environ | working_tree | {"TMPDIR": str(tmp_path)}
    command = ["timeout", "300", "bash", "-c", guarded]  # it ends the whole process group
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(tmp_path.rglob("*.parquet"))
