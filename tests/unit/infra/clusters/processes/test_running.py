"""A stack without a network namespace has no processes, and ours are not anybody's node."""

from __future__ import annotations

import os
from pathlib import Path

from infra.clusters.processes import running
from infra.clusters.processes.layout import Layout


class Here(Layout):
    """A stack whose network namespace is the one of this process."""

    @property
    def network_namespace(self) -> Path:
        return Path("/proc/self/ns/net")


def test_a_stack_that_is_not_there_has_no_processes(tmp_path: Path) -> None:
    layout = Layout("no-such-stack", tmp_path)
    assert running.processes(layout) == []
    assert running.init(layout) is None
    running.stop(layout)


def test_processes_are_found_by_their_namespace(tmp_path: Path) -> None:
    assert os.getpid() in running.processes(Here("here", tmp_path))


def test_a_process_of_our_own_pid_namespace_is_no_nodes_first(tmp_path: Path) -> None:
    first = running.init(Here("here", tmp_path))
    assert first != os.getpid()
