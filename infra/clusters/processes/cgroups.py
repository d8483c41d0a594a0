"""The stack's control groups, under the first or the second version of the kernel's interface.

The kubelet puts the pods into `<name>/kubepods`, and the node's own processes live in `<name>/node`.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from infra.errors import PlatformError

MOUNTS = Path("/proc/self/mounts")
CONTROLLERS = ("cpuset", "cpu", "io", "memory", "pids")
"""What the kubelet wants of the second version."""


@dataclass(frozen=True)
class Hierarchies:
    """Where control groups are mounted: one folder per controller in version 1, one folder in version 2."""

    version: int
    folders: tuple[Path, ...]

    @classmethod
    def of_this_machine(cls, mounts: Path = MOUNTS) -> Hierarchies | None:
        """None where no control groups are mounted."""
        rows = [line.split() for line in mounts.read_text().splitlines()]
        first = tuple(Path(row[1]) for row in rows if row[2] == "cgroup")
        if first:
            return cls(1, first)
        second = tuple(Path(row[1]) for row in rows if row[2] == "cgroup2")
        return cls(2, second[:1]) if second else None


def create(name: str, hierarchies: Hierarchies) -> None:
    """Make `<name>` and `<name>/node` in every hierarchy, ready to take processes. Raises PlatformError."""
    try:
        _create(name, hierarchies)
    except OSError as error:
        raise PlatformError(
            f"The control group {name} cannot be made: {error}.",
            "Inside a container the control groups must be writable, and the container's processes not at their top.",
        ) from error


def _create(name: str, hierarchies: Hierarchies) -> None:
    for folder in hierarchies.folders:
        for group in (folder / name, folder / name / "node"):
            group.mkdir(exist_ok=True)
            _inherit_cpuset(group)
    if hierarchies.version == 2:
        (root,) = hierarchies.folders
        for group in (root, root / name):
            _delegate(group)


def enter(name: str, hierarchies: Hierarchies) -> None:
    """Move the calling process into `<name>/node`, out of the session that started it."""
    for folder in hierarchies.folders:
        (folder / name / "node" / "cgroup.procs").write_text("0")


def processes(name: str, hierarchies: Hierarchies) -> set[int]:
    """Process ids in the group and below, as the calling process's own namespace counts them."""
    found: set[int] = set()
    for folder in hierarchies.folders:
        for file in (folder / name).glob("**/cgroup.procs"):
            try:
                found.update(int(line) for line in file.read_text().split())
            except OSError:  # the group has gone meanwhile, or has another kind of member
                continue
    return found - {0}


def remove(name: str, patience: float = 5.0) -> list[Path]:
    """Remove the group from every hierarchy; returns those that still exist after `patience` seconds."""
    deadline = time.monotonic() + patience
    while left := existing(name):
        for group in left:
            _remove_tree(group)
        if time.monotonic() > deadline:
            return existing(name)
        time.sleep(0.05)
    return []


def existing(name: str, mounts: Path = MOUNTS) -> list[Path]:
    """The group's folders of both versions: a runtime may have made one that we did not."""
    rows = [line.split() for line in mounts.read_text().splitlines()]
    groups = (Path(row[1]) / name for row in rows if row[2] in ("cgroup", "cgroup2"))
    return [group for group in groups if group.is_dir()]


def _remove_tree(group: Path) -> None:
    for folder, _, _ in os.walk(group, topdown=False):
        try:
            os.rmdir(folder)
        except OSError:  # a process in it has not ended yet
            continue


def _inherit_cpuset(group: Path) -> None:
    """A new group of version 1 has no processors and no memory nodes, and takes no process until it has."""
    if (group / "cgroup.controllers").exists():
        return
    for file in ("cpuset.cpus", "cpuset.mems"):
        if (group / file).exists() and not (group / file).read_text().strip():
            (group / file).write_text((group.parent / file).read_text())


def _delegate(group: Path) -> None:
    available = (group / "cgroup.controllers").read_text().split()
    wanted = [f"+{name}" for name in CONTROLLERS if name in available]
    (group / "cgroup.subtree_control").write_text(" ".join(wanted))
