"""What the machine must be and have, asked before anything is made on it."""

from __future__ import annotations

import os
import platform
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.clusters.processes import cgroups, ports, programs
from infra.clusters.processes.cgroups import Hierarchies
from infra.errors import PlatformError

OLDEST_KERNEL = (5, 13)
"""kube-proxy's nftables mode needs it."""
FREE_DISK = 5 * 1024**3
"""Bytes below the stack's folder: the images of a platform and what it writes."""
FREE_MEMORY = 2 * 1024**3
"""Bytes: a bare node takes less than one, and its first pods the rest."""
FILE_SYSTEMS = ("overlay", "tmpfs")
VERSION_1_CONTROLLERS = {"cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids"}


@dataclass(frozen=True)
class Facts:
    """What is so on this machine.

    Attributes:
        system: the kernel's name.
        kernel: its release, e.g. `6.1.0-18-amd64`.
        user: the effective user id.
        hierarchies: of the control groups, when they are mounted.
        file_systems: that the kernel knows.
        free_disk: bytes below the stack's folder.
        free_memory: bytes.
        missing_packages: Debian packages of programs that are not there.
        taken_ports: of the loopback ports that are asked for.
    """

    system: str
    kernel: str
    user: int
    hierarchies: Hierarchies | None
    file_systems: frozenset[str]
    free_disk: int
    free_memory: int
    missing_packages: tuple[str, ...]
    taken_ports: tuple[int, ...]


def of_this_machine(state: Path, wanted_ports: Mapping[int, int]) -> Facts:
    """Look at the machine; the stack's folder need not exist yet."""
    if platform.system() != "Linux":
        return Facts(platform.system(), platform.release(), os.geteuid(), None, frozenset(), 0, 0, (), ())
    return Facts(
        system="Linux",
        kernel=platform.release(),
        user=os.geteuid(),
        hierarchies=Hierarchies.of_this_machine(),
        file_systems=frozenset(line.split()[-1] for line in Path("/proc/filesystems").read_text().splitlines()),
        free_disk=shutil.disk_usage(_nearest_existing(state)).free,
        free_memory=_available_memory(Path("/proc/meminfo").read_text()),
        missing_packages=tuple(programs.missing_packages()),
        taken_ports=tuple(ports.taken(wanted_ports)),
    )


def check(facts: Facts) -> None:
    """Raise PlatformError, which names every rule that the machine breaks and the remedy for each."""
    found = list(_complaints(facts))
    if found:
        raise PlatformError(
            "This machine cannot run a cluster of processes: " + " ".join(what for what, _ in found),
            " ".join(remedy for _, remedy in found),
        )


def _complaints(facts: Facts) -> Iterable[tuple[str, str]]:
    if facts.system != "Linux":
        yield f"it runs {facts.system}.", "Use Linux, or a provider that needs none: kind with Docker, or existing."
        return
    if facts.user != 0:
        yield "you are not root.", "Run it as root: it makes namespaces, links and control groups."
    if _version(facts.kernel) < OLDEST_KERNEL:
        yield f"its kernel is {facts.kernel}, and 5.13 is the oldest that will do.", "Install a newer kernel."
    yield from _control_group_complaints(facts.hierarchies)
    lacking = [name for name in FILE_SYSTEMS if name not in facts.file_systems]
    if lacking:
        yield f"its kernel lacks {' and '.join(lacking)}.", f"Load the modules: modprobe {' '.join(lacking)}"
    if facts.missing_packages:
        packages = " ".join(facts.missing_packages)
        yield f"programs of these Debian packages are missing: {packages}.", f"apt-get install {packages}"
    yield from _shortages(facts)
    if facts.taken_ports:
        numbers = ", ".join(map(str, facts.taken_ports))
        yield (
            f"another program listens on these ports of 127.0.0.1: {numbers}.",
            "Stop it (see `ss -ltnp`), or choose other ports with --first-port.",
        )


def _control_group_complaints(hierarchies: cgroups.Hierarchies | None) -> Iterable[tuple[str, str]]:
    if hierarchies is None:
        yield "no control groups are mounted.", "Mount them: mount -t cgroup2 none /sys/fs/cgroup"
    elif hierarchies.version == 1:
        mounted = {name for folder in hierarchies.folders for name in folder.name.split(",")}
        lacking = sorted(VERSION_1_CONTROLLERS - mounted)
        if lacking:
            yield f"these control groups are not mounted: {' '.join(lacking)}.", "Mount them, or use version 2."


def _shortages(facts: Facts) -> Iterable[tuple[str, str]]:
    if facts.free_disk < FREE_DISK:
        yield (
            f"{_gib(facts.free_disk)} of disk are free for the stack's folder, and {_gib(FREE_DISK)} are needed.",
            "Free some, or set XDG_STATE_HOME to a folder on a larger disk.",
        )
    if facts.free_memory < FREE_MEMORY:
        yield f"{_gib(facts.free_memory)} of memory are free, and {_gib(FREE_MEMORY)} are needed.", "Free some."


def _version(release: str) -> tuple[int, int]:
    match = re.match(r"(\d+)\.(\d+)", release)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _available_memory(meminfo: str) -> int:
    match = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo, re.MULTILINE)
    return int(match[1]) * 1024 if match else 0


def _nearest_existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _gib(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB"
