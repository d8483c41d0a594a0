from __future__ import annotations

import os
import subprocess
import sys

import pytest

from infra.automation import lock
from infra.errors import PlatformError
from infra.paths import state_root


def test_a_second_run_is_refused_with_the_first_ones_process_id() -> None:
    refused = rf"the platform 'test' \(process {os.getpid()}\)"
    with lock.held("test"), pytest.raises(PlatformError, match=refused), lock.held("test"):
        pytest.fail("two runs at once")


def test_other_stacks_are_free_and_nothing_is_left() -> None:
    with lock.held("one"), lock.held("two"):
        pass
    assert list(state_root().iterdir()) == []


def test_a_killed_run_holds_nothing() -> None:
    script = (
        "import os, signal\nfrom infra.automation import lock\n"
        "with lock.held('test'): os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script], check=False)
    assert killed.returncode == -9
    assert (state_root() / ".test.lock").exists()
    with lock.held("test"):
        pass
