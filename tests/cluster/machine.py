"""What a cluster of processes changes on a machine, less what other stacks that run beside the tests have there."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

SETTINGS = (
    "vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes", "net/ipv4/ip_forward", "net/netfilter/nf_conntrack_max",
)  # fmt: skip
STACKS = Path("/run/slipway/stacks")
OWN_STACKS = ("alone", "tested")
FOLDERS = ("/run", "/var/lib", "/var/log", "/tmp/hostpath_pv", "/opt")


@dataclass(frozen=True)
class Machine:
    """A picture of the machine, to be compared with a later one."""

    links: frozenset[str]
    routes: frozenset[str]
    mounts: frozenset[str]
    control_groups: frozenset[str]
    settings: tuple[str, ...]
    folders: tuple[tuple[str, ...], ...]

    @classmethod
    def now(cls) -> Machine:
        links = {entry["ifname"] for entry in json.loads(_output("ip", "-json", "link"))}
        routes = {json.dumps(entry) for entry in json.loads(_output("ip", "-json", "route", "show", "table", "all"))}
        mounts = {line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()}
        groups = {str(path) for pattern in ("*", "*/*") for path in Path("/sys/fs/cgroup").glob(pattern)}
        return cls(
            links=_without_others(links),
            routes=_without_others(routes),
            mounts=_without_others(mounts),
            control_groups=_without_others({group for group in groups if "slipway" in group}),
            settings=tuple(_setting(name) for name in SETTINGS),
            folders=tuple(_entries(Path(folder)) for folder in FOLDERS),
        )


def _without_others(found: set[str]) -> frozenset[str]:
    return frozenset(text for text in found if not any(mark in text for mark in _marks_of_others()))


def _marks_of_others() -> list[str]:
    marks = []
    for path in STACKS.glob("*.json"):
        if path.stem not in OWN_STACKS:
            marks += [f"slipway-{path.stem}", *json.loads(path.read_text())["ranges"].values()]
    return marks


def _setting(name: str) -> str:
    path = Path("/proc/sys") / name
    return path.read_text().strip() if path.exists() else ""


def _entries(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        return ()
    shared = ("slipway", "netns") if _marks_of_others() else ()
    return tuple(sorted(path.name for path in folder.iterdir() if path.name not in shared))


def _output(*command: str) -> str:
    return subprocess.check_output(command, text=True)
