"""PID 1 of the node: `python -m infra.clusters.processes.node SPEC`, started in new network, pid and mount namespaces.

It hides the machine's /run, /tmp, /var/lib and /var/log behind folders of the stack, leaves the control group of who
started it, and supervises the components. When it ends, the kernel ends everything in its pid namespace and
drops its mounts: pods, shims and volumes go with it, however it ended.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from infra.clusters.processes import cgroups, components, ports, volumes
from infra.clusters.processes.addressing import API_PORT
from infra.clusters.processes.layout import INSIDE, PROGRAMS_INSIDE
from infra.clusters.processes.spec import NodeSpec
from infra.clusters.processes.supervisor import Component, NotReady, State, Supervisor, say
from infra.files import write

HIDDEN = {"tmp": "/tmp", "var-lib": "/var/lib", "var-log": "/var/log"}
POD_PATIENCE = 8.0
"""Seconds that the containers of all pods have together to end by themselves."""
STARTED = time.time()
"""Seconds since the epoch."""


def main() -> int:
    """Returns the exit code: 0 when it was told to stop, 1 when a component did not become ready."""
    spec = NodeSpec.from_json(Path(sys.argv[1]).read_text())
    # Opened before the node has a network of its own to be in: it is what the launcher hands down.
    machine_network = int(sys.argv[2])
    os.set_inheritable(machine_network, False)
    hierarchies = cgroups.Hierarchies.of_this_machine()
    assert hierarchies is not None  # the launcher has checked
    cgroups.enter(spec.name, hierarchies)
    _raise_file_limit()
    _hide_the_machine(spec)
    supervisor = Supervisor(_components(spec, machine_network), INSIDE / "logs", environment(), _report)
    try:
        supervisor.start()
        supervisor.run()
        code = 0
    except NotReady as error:
        say(f"{error} did not become ready")
        code = 1
    pods = Pods(spec.name, hierarchies)
    # Without a kubelet nothing starts them again, and containerd is the last to go.
    supervisor.stop(after={"kubelet": pods.ask_to_end, "registry": pods.wait})
    return code


def environment() -> dict[str, str]:
    """What every component gets: nothing of who started the node, above all no proxy."""
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "TMPDIR": "/tmp"}


def _components(spec: NodeSpec, machine_network: int) -> list[Component]:
    address = str(spec.ranges.node)
    provisioner = partial(volumes.serve, address, API_PORT, spec.name)
    return [
        *components.all_of(spec),
        Component("volume-provisioner", provisioner),
        Component("forwarder", partial(ports.forward, spec.ports, address, machine_network)),
    ]


def _raise_file_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _hide_the_machine(spec: NodeSpec) -> None:
    """Mounts are of this namespace only; the sources are opened first, since they may lie below what is hidden."""
    cluster = os.open(spec.cluster, os.O_PATH)
    programs = {name: os.open(path, os.O_PATH) for name, path in spec.programs.items()}
    _mount("--make-rshared", "/")  # the kubelet hands mounts on to containers
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    INSIDE.mkdir()
    _bind(cluster, INSIDE)
    PROGRAMS_INSIDE.mkdir()
    for name, handle in programs.items():
        (PROGRAMS_INSIDE / name).touch()
        _bind(handle, PROGRAMS_INSIDE / name)
    for folder, hidden in HIDDEN.items():
        (INSIDE / folder).mkdir(exist_ok=True)
        _mount("--bind", str(INSIDE / folder), hidden)
    os.chmod("/tmp", 0o1777)
    for folder in ("/run/lock", "/var/lib/kubelet"):
        Path(folder).mkdir(exist_ok=True)


def _bind(handle: int, target: Path) -> None:
    # Not /proc/self: that would be the mount command's.
    _mount("--bind", f"/proc/{os.getpid()}/fd/{handle}", str(target))
    os.close(handle)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _report(states: Sequence[State], phase: str) -> None:
    """Tell the launcher, and whoever asks for the status."""
    found = {
        state.component.name: {"running": state.pid is not None, "ready": state.ready, "restarts": state.restarts}
        for state in states
    }
    record = {"phase": phase, "since": STARTED, "components": found}
    write(INSIDE / "status.json", json.dumps(record, indent=2) + "\n")


class Pods:
    """The processes of all pods of the node, which are asked to end so that databases among them close their files."""

    def __init__(self, name: str, hierarchies: cgroups.Hierarchies) -> None:
        self._group = f"{name}/kubepods"
        self._hierarchies = hierarchies
        self._deadline = 0.0

    def ask_to_end(self) -> None:
        self._deadline = time.monotonic() + POD_PATIENCE
        for pid in self._processes():
            try:
                os.kill(pid, signal.SIGTERM)
            except ProcessLookupError:
                continue

    def wait(self) -> None:
        """Until they have ended, or POD_PATIENCE after they were asked."""
        while self._processes() and time.monotonic() < self._deadline:
            time.sleep(0.1)

    def _processes(self) -> set[int]:
        return cgroups.processes(self._group, self._hierarchies)


if __name__ == "__main__":
    sys.exit(main())
