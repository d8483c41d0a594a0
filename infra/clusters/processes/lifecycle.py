"""Up, stop, start, down and status of a stack's cluster.

All are idempotent, and work from whatever state an earlier one was killed in: what exists is found by its names in the
kernel, not by what a file says.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from infra.clusters.processes import cgroups, claims, network, preflight, running, startup, sysctls
from infra.clusters.processes.addressing import Ranges
from infra.clusters.processes.layout import Layout
from infra.clusters.processes.ports import LOOPBACK
from infra.clusters.processes.programs import Programs
from infra.clusters.processes.spec import PEOPLE_PORTS, NodeSpec
from infra.clusters.processes.startup import SYSCTLS, Say
from infra.errors import PlatformError, UsageError
from infra.locks import held
from infra.paths import state_root

Condition = Literal["absent", "stopped", "starting", "ready", "stopping"]


@dataclass(frozen=True)
class Cluster:
    """A cluster that runs, and how to reach it from this machine.

    Attributes:
        stack: its name.
        kubeconfig: of its administrator.
        node: the name of its one node.
        node_ip: where its API server, its registry and its node ports listen.
        registry_url: where images are pushed; pods pull them by any of the mirrored hosts.
        ports: each loopback port with the node port that it leads to.
        ranges: of its link, pods and services.
    """

    stack: str
    kubeconfig: Path
    node: str
    node_ip: str
    registry_url: str
    ports: Mapping[int, int]
    ranges: Ranges

    def loopback_url(self, node_port: int) -> str:
        """The URL on the machine's loopback for a node port. Raises KeyError when it is not forwarded."""
        outer = {inner: outer for outer, inner in self.ports.items()}[node_port]
        return f"http://{LOOPBACK}:{outer}"

    def to_json(self) -> dict[str, Any]:
        return {
            "stack": self.stack,
            "kubeconfig": str(self.kubeconfig),
            "node": self.node,
            "node_ip": self.node_ip,
            "registry_url": self.registry_url,
            "loopback_urls": {str(inner): self.loopback_url(inner) for inner in self.ports.values()},
            "ranges": self.ranges.to_json(),
        }


@dataclass(frozen=True)
class Status:
    """What is so now; `components` says for each whether it runs, whether it was ready, and how often it restarted."""

    condition: Condition
    components: Mapping[str, Mapping[str, Any]]
    cluster: Cluster | None


def up(stack: str, programs: Programs, ports: Mapping[int, int] = PEOPLE_PORTS, say: Say = print) -> Cluster:
    """Make the cluster, or finish what an earlier call began; a cluster that is ready stays as it is.

    Raises PlatformError, and then leaves nothing that was not there before; what ran goes on.
    """
    with _locked(stack) as layout:
        return _up(layout, programs, ports, say)


def start(stack: str, programs: Programs | None = None, say: Say = print) -> Cluster:
    """Start a stopped cluster with the programs and ports that it had. Raises UsageError when there is none."""
    with _locked(stack) as layout:
        spec = _spec(layout)
        if spec is None:
            raise _unknown(stack)
        return _up(layout, programs or Programs.of(spec.programs), spec.ports, say)


def stop(stack: str, say: Say = print) -> None:
    """End all processes of the cluster, and keep its data. Raises UsageError when there is none."""
    with _locked(stack) as layout:
        if not layout.cluster.exists():
            raise _unknown(stack)
        _tear_down(layout, say)


def down(stack: str, say: Say = print) -> None:
    """End all processes of the cluster, and delete its data. Nothing is left, in whatever state it was."""
    with _locked(stack) as layout:
        _wipe(layout, say)


def status(stack: str) -> Status:
    """What is so now; nothing is changed, and nothing waited for."""
    layout = Layout.of(stack)
    spec = _spec(layout)
    if spec is None:
        return Status("absent", {}, None)
    if running.init(layout) is None:
        return Status("stopped", {}, None)
    found = startup.node_status(layout)
    phase: Condition = found.get("phase", "starting")
    return Status(phase, found.get("components", {}), _cluster(layout, spec) if phase == "ready" else None)


def leftovers(stack: str) -> list[str]:
    """What is left of a stack on this machine, in words; empty after `down`."""
    layout = Layout.of(stack)
    found = [f"process {pid}" for pid in running.processes(layout)]
    found += network.leftovers(layout, claims.ranges_of(layout))
    found += [f"control group {folder}" for folder in cgroups.existing(layout.name)]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    found += [f"mount {line.split()[1]}" for line in mounts if str(layout.state) in line or layout.name in line]
    found += [f"folder {layout.cluster}"] if layout.cluster.exists() else []
    found += [f"record {layout.claim}"] if layout.claim.exists() else []
    if SYSCTLS.exists() and stack in json.loads(SYSCTLS.read_text())["stacks"]:
        found.append(f"record {SYSCTLS}")
    return found


@contextmanager
def _locked(stack: str) -> Iterator[Layout]:
    layout = Layout.of(stack)
    if os.geteuid() != 0:
        raise PlatformError("A cluster of processes belongs to root, and you are not root.", "Run it as root.")
    with _machine_folder(), held(layout.lock, busy=f"Another command is at work on stack {stack}."):
        claims.check_folder(layout)
        yield layout


@contextmanager
def _machine_folder() -> Iterator[None]:
    try:
        yield
    finally:
        with claims.machine_lock():
            pass


def _up(layout: Layout, programs: Programs, ports: Mapping[int, int], say: Say) -> Cluster:
    spec = _spec(layout)
    if spec is None or running.init(layout) is None:
        return _boot(layout, programs, ports, say)
    if spec.ports != dict(ports):
        raise UsageError(
            f"Stack {layout.stack} runs with other ports: {', '.join(map(str, spec.ports))}.",
            "Stop it first, and then bring it up with these.",
        )
    startup.complete(layout, spec, say)
    return _cluster(layout, spec)


def _boot(layout: Layout, programs: Programs, ports: Mapping[int, int], say: Say) -> Cluster:
    existed = layout.cluster.exists()
    _tear_down(layout, say)  # what a crash has left
    try:
        preflight.check(preflight.of_this_machine(layout.state, ports))
        spec = startup.prepare(layout, programs, ports)
        startup.launch(layout, spec)
        startup.complete(layout, spec, say)
    except BaseException:
        (_tear_down if existed else _wipe)(layout, say)
        raise
    return _cluster(layout, spec)


def _tear_down(layout: Layout, say: Say) -> None:
    """End the processes, and remove what the stack has in the kernel. The data stay."""
    ranges = claims.ranges_of(layout)
    if running.processes(layout):
        say("stopping the node")
    running.stop(layout)
    with claims.machine_lock():
        network.remove(layout, ranges)
        sysctls.restore(SYSCTLS, layout.stack)
    stubborn = cgroups.remove(layout.name)
    if stubborn:
        raise PlatformError(
            f"Processes of stack {layout.stack} do not end: {', '.join(map(str, stubborn))}.",
            "See cgroup.procs in these folders; processes that wait for a disk end when it answers.",
        )


def _wipe(layout: Layout, say: Say) -> None:
    _tear_down(layout, say)
    if layout.cluster.exists():
        shutil.rmtree(layout.cluster)
    for folder in (layout.state, state_root()):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    with claims.machine_lock():
        claims.let_go(layout)


def _spec(layout: Layout) -> NodeSpec | None:
    try:
        return NodeSpec.from_json(layout.node_spec.read_text())
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _cluster(layout: Layout, spec: NodeSpec) -> Cluster:
    return Cluster(
        stack=layout.stack,
        kubeconfig=layout.kubeconfig,
        node=spec.name,
        node_ip=str(spec.ranges.node),
        registry_url=f"http://{spec.ranges.registry}",
        ports=spec.ports,
        ranges=spec.ranges,
    )


def _unknown(stack: str) -> UsageError:
    known = sorted(path.parent.name for path in state_root().glob("*/cluster"))
    return UsageError(
        f"There is no stack {stack} in {state_root()}.",
        f"Choose one of: {', '.join(known)}." if known else "Make one with `up`.",
    )
