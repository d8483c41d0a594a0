"""kill -9 for what runs in pods of a cluster of processes: on this machine its processes are processes like others."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.platform import Platform

# The process that holds a pod's namespaces.
_PAUSE = b"/pause\0"


@dataclass(frozen=True)
class Part:
    """A part of the platform: the pods in a namespace that a label selects."""

    name: str
    namespace: str
    selector: str

    def kill(self, platform: Platform) -> int:
        """Kill every process of it without warning; how many there were."""
        pods = platform.objects("-n", self.namespace, "pods", "-l", self.selector)["items"]
        assert pods, f"{self.name} has no pod"
        return kill(pid for pod in pods for pid in processes(pod["metadata"]["uid"]))

    def restarts(self, platform: Platform) -> int:
        """How often its containers were started again."""
        pods = platform.objects("-n", self.namespace, "pods", "-l", self.selector)["items"]
        return sum(status["restartCount"] for pod in pods for status in pod["status"].get("containerStatuses", []))

    def is_back(self, platform: Platform, restarts: int) -> bool:
        """Whether all of it is ready, and was started more often than that."""
        return self.restarts(platform) > restarts and self.ready(platform)

    def ready(self, platform: Platform) -> bool:
        """Whether it has pods, and all are ready."""
        pods = platform.objects("-n", self.namespace, "pods", "-l", self.selector)["items"]
        statuses = [status for pod in pods for status in pod["status"].get("containerStatuses", [])]
        return bool(statuses) and all(status["ready"] for status in statuses)


def kill(pids: Iterable[int]) -> int:
    """Kill processes without warning; how many were there."""
    killed = 0
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed


def processes(uid: str) -> list[int]:
    """The processes on this machine of a pod's containers."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                groups, command = (entry / "cgroup").read_text(), (entry / "cmdline").read_bytes()
                if uid.replace("-", "_") in groups.replace("-", "_") and command not in (b"", _PAUSE):
                    found.append(int(entry.name))
    assert found, f"pod {uid} has no process on this machine"
    return found
