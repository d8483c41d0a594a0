"""From nothing that runs to a cluster that is ready: what must be there before PID 1, PID 1, and what follows it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from infra.clusters.processes import (
    cgroups,
    claims,
    configuration,
    images,
    network,
    pki,
    running,
    sysctls,
    workloads,
)
from infra.clusters.processes.layout import MACHINE, Layout
from infra.clusters.processes.programs import Programs
from infra.clusters.processes.spec import NodeSpec
from infra.errors import PlatformError
from infra.files import write

PATIENCE = 180.0
"""Seconds for all components to be ready."""
SYSCTLS = MACHINE / "sysctls.json"
Say = Callable[[str], None]


def prepare(layout: Layout, programs: Programs, ports: Mapping[int, int]) -> NodeSpec:
    """Everything that must be there before PID 1 is."""
    hierarchies = cgroups.Hierarchies.of_this_machine()
    assert hierarchies is not None  # preflight has checked
    layout.cluster.mkdir(parents=True, exist_ok=True, mode=0o700)
    layout.logs.mkdir(exist_ok=True)
    with claims.machine_lock():
        ranges = claims.claim(layout)
        network.create(layout, ranges)
        sysctls.save(SYSCTLS, layout.stack)
    cgroups.create(layout.name, hierarchies)
    pki.ensure(layout.cluster, layout.name, ranges)
    spec = NodeSpec(layout.name, layout.cluster, ranges, dict(programs.paths), dict(ports))
    for path, text in configuration.files(spec).items():
        write(layout.cluster / path, text)
    write(layout.node_spec, spec.to_json())
    return spec


def launch(layout: Layout, spec: NodeSpec) -> None:
    """Start PID 1, detached from us, in namespaces of its own."""
    layout.node_status.unlink(missing_ok=True)
    (layout.cluster / "containerd.sock").unlink(missing_ok=True)
    with open("/proc/self/ns/net") as machine, open(layout.logs / "node.log", "ab") as log:
        command = [
            *("setsid", "--fork"),
            *network.inside_network(layout),
            *("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--propagation", "private"),
            *(sys.executable, "-m", "infra.clusters.processes.node", str(layout.node_spec), str(machine.fileno())),
        ]
        subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            pass_fds=(machine.fileno(),),
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
        )


def complete(layout: Layout, spec: NodeSpec, say: Say) -> None:
    """Wait for the components, and then for what runs on them. Raises PlatformError when one does not come."""
    kubectl = workloads.Kubectl(spec.programs["kubectl"], layout.kubeconfig)
    waiting = _Components(layout, say)
    waiting.until("registry")
    for image in images.of_the_node(spec.programs["coredns"]):
        if images.push(image, spec.ranges.registry):
            say(f"pushed {image.name}")
    waiting.until("kube-apiserver")
    workloads.apply(kubectl, spec.ranges)
    waiting.until_all()
    workloads.wait_until_ready(kubectl, spec.name, spec.ranges, node_status(layout)["since"])
    say(f"node {spec.name} is Ready, and so is DNS")


class _Components:
    """Follows PID 1 while it starts the components. Raises PlatformError when it ends or takes too long."""

    def __init__(self, layout: Layout, say: Say) -> None:
        self._layout = layout
        self._say = say
        self._told: set[str] = set()
        self._begun = time.monotonic()

    def until(self, name: str) -> None:
        """Wait for one component to be ready."""
        self._wait(lambda found: found.get("components", {}).get(name, {}).get("ready", False))

    def until_all(self) -> None:
        self._wait(lambda found: found.get("phase") == "ready")

    def _wait(self, done: Callable[[dict[str, Any]], bool]) -> None:
        while not done(found := node_status(self._layout)):
            self._tell(found)
            waited = time.monotonic() - self._begun
            ended = found.get("phase") in ("stopping", "stopped") or (waited > 5 and not running.init(self._layout))
            if ended or waited > PATIENCE:
                raise PlatformError(
                    f"The node {'ended' if ended else 'is not ready'} after {waited:.0f} s. Its log ends with:\n"
                    + _tail(self._layout.logs / "node.log"),
                    "Look for the reason in the log of the last component that it names.",
                )
            time.sleep(0.1)
        self._tell(found)

    def _tell(self, found: dict[str, Any]) -> None:
        for name, component in found.get("components", {}).items():
            if component["ready"] and name not in self._told:
                self._told.add(name)
                self._say(f"{name} is ready")


def node_status(layout: Layout) -> dict[str, Any]:
    """What PID 1 has told last; empty before it has told anything."""
    try:
        found: dict[str, Any] = json.loads(layout.node_status.read_text())
        return found
    except (FileNotFoundError, ValueError):
        return {}


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"
