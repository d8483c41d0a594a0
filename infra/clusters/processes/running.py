"""The processes of a stack that run now, found by the namespaces that they are in, whatever files say or lack."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from infra.clusters.processes.layout import Layout

PROC = Path("/proc")
STOP_PATIENCE = 45.0
"""Seconds for PID 1 to stop everything in order."""


def processes(layout: Layout) -> list[int]:
    """Process ids, as this process counts them, in the stack's network namespace."""
    try:
        namespace = layout.network_namespace.stat()
    except FileNotFoundError:
        return []
    return [pid for pid in _all() if _is_in(pid, namespace)]


def init(layout: Layout) -> int | None:
    """PID 1 of the node, as this process counts it."""
    return next((pid for pid in processes(layout) if _is_first_of_its_namespace(pid)), None)


def stop(layout: Layout, patience: float = STOP_PATIENCE) -> None:
    """Tell PID 1 to stop, and wait; then end what is still in the network namespace."""
    first = init(layout)
    if first is not None:
        _send(first, signal.SIGTERM)
        _wait_for_end(layout, patience)
    for pid in processes(layout):
        _send(pid, signal.SIGKILL)
    _wait_for_end(layout, patience)


def _wait_for_end(layout: Layout, patience: float) -> None:
    deadline = time.monotonic() + patience
    while processes(layout) and time.monotonic() < deadline:
        time.sleep(0.05)


def _all() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()]


def _is_in(pid: int, namespace: os.stat_result) -> bool:
    try:
        return os.path.samestat((PROC / str(pid) / "ns/net").stat(), namespace)
    except OSError:  # it has ended, or is a zombie
        return False


def _is_first_of_its_namespace(pid: int) -> bool:
    """Whether it is number 1 of a pid namespace right below ours; pods have one more below."""
    try:
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return False
    numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
    return len(numbers) == 2 and numbers[1] == "1"


def _send(pid: int, kind: signal.Signals) -> None:
    try:
        os.kill(pid, kind)
    except ProcessLookupError:
        return
