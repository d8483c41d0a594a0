from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks.process import run
from slipway.errors import EnvironmentFault

HOLD_64_MIB = "import time; held = bytearray(64 << 20); time.sleep(0.5)"
HOLD_IN_TWO_CHILDREN = (
    "import subprocess, sys; "
    f"children = [subprocess.Popen([sys.executable, '-c', {HOLD_64_MIB!r}]) for _ in range(2)]; "
    "[child.wait() for child in children]"
)


def test_memory_counts_descendants_alone_and_together(tmp_path: Path) -> None:
    found = run([sys.executable, "-c", HOLD_IN_TWO_CHILDREN], tmp_path, os.environ)
    assert found.largest_mib >= 64
    assert found.together_mib >= 128


def test_output_and_folder(tmp_path: Path) -> None:
    found = run([sys.executable, "-c", "import os, sys; print(os.getcwd(), file=sys.stderr)"], tmp_path, os.environ)
    assert found.output.strip() == str(tmp_path.resolve())
    assert found.seconds > 0


def test_a_failure_is_refused_with_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match=r"(?s)exit code 7:.*the reason"):
        run([sys.executable, "-c", "print('the reason'); raise SystemExit(7)"], tmp_path, os.environ)
