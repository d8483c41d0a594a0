"""Running a command to its end: how long it took, and how much memory it and all that it started held."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from slipway.errors import EnvironmentFault

_SAMPLE_EVERY_SECONDS = 0.1
_TAIL_LINES = 15


@dataclass(frozen=True)
class Run:
    """A command that ended well.

    Attributes:
        seconds: from start to end, by the wall clock.
        processor_seconds: of it and its descendants, on all cores; other load on the machine hardly changes it.
        largest_mib: largest resident memory of any one process, as the kernel saw it.
        together_mib: largest sum of the resident memory of all processes, sampled ten times a second; pages
            that processes share count once for each.
        output: what it wrote to standard output and standard error.
    """

    seconds: float
    processor_seconds: float
    largest_mib: float
    together_mib: float
    output: str


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Run:
    """Run ``command`` in ``folder``; an exit code other than 0 is an EnvironmentFault that shows its last lines."""
    with tempfile.TemporaryFile("w+") as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        sampler = _Sampler(process.pid)
        sampler.start()
        # Popen's own wait would drop the resource usage, which covers all descendants.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        together = sampler.stop()
        log.seek(0)
        output = log.read()
    if process.returncode:
        tail = "\n".join(output.splitlines()[-_TAIL_LINES:])
        raise EnvironmentFault(
            f"`{shlex.join(command)}` ended with exit code {process.returncode}:\n{tail}\n",
            "Nothing was measured. See that `make repro` works, then run `make bench` again.",
        )
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, together, output)


class _Sampler(threading.Thread):
    """Samples the memory of a process and its descendants until it is stopped."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._root = psutil.Process(pid)
        self._ended = threading.Event()
        self._peak = 0

    def run(self) -> None:
        while not self._ended.wait(_SAMPLE_EVERY_SECONDS):
            self._peak = max(self._peak, self._resident())

    def stop(self) -> float:
        """End the sampling and return the peak in MiB."""
        self._ended.set()
        self.join()
        return self._peak / (1 << 20)

    def _resident(self) -> int:
        total = 0
        try:
            tree = [self._root, *self._root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return 0
        for process in tree:
            try:
                total += process.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        return total
