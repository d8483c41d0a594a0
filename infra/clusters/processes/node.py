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
from infra.clusters.processes.files import write
from infra.clusters.processes.layout import INSIDE, PROGRAMS_INSIDE
from infra.clusters.processes.spec import NodeSpec
from infra.clusters.processes.supervisor import Component, NotReady, State, Supervisor, say

HIDDEN = {"tmp": "/tmp", "var-lib": "/var/lib", "var-log": "/var/log"}
POD_PATIENCE = 8.0
"""Seconds that the containers of all pods have together to end by themselves."""
LARGEST_LOG = 16 * 1024 * 1024
"""Bytes; a longer log is put aside when the node starts."""


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
    logs = INSIDE / "logs"
    _put_long_logs_aside(logs)
    supervisor = Supervisor(_components(spec, machine_network), logs, environment(), _report)
    try:
        supervisor.start()
        supervisor.run()
        code = 0
    except NotReady as error:
        say(f"{error} did not become ready")
        code = 1
    supervisor.stop(before_runtime=lambda: _end_pods(spec.name, hierarchies))
    return code


def environment() -> dict[str, str]:
    """What every component gets: nothing of who started the node, above all no proxy."""
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "TMPDIR": "/tmp"}


def _components(spec: NodeSpec, machine_network: int) -> list[Component]:
    address = str(spec.ranges.node)
    provisioner = partial(volumes.serve, address, components.API_PORT, spec.name)
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
    for folder in ("/run/lock", "/var/lib/kubelet", "/var/lib/cni"):
        Path(folder).mkdir(exist_ok=True)
    _mount("-t", "tmpfs", "tmpfs", "/var/lib/cni")


def _bind(handle: int, target: Path) -> None:
    # Not /proc/self: that would be the mount command's.
    _mount("--bind", f"/proc/{os.getpid()}/fd/{handle}", str(target))
    os.close(handle)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _put_long_logs_aside(logs: Path) -> None:
    logs.mkdir(exist_ok=True)
    for log in logs.glob("*.log"):
        if log.stat().st_size > LARGEST_LOG:
            log.replace(log.with_suffix(".log.1"))


def _report(states: Sequence[State], phase: str) -> None:
    """Tell the launcher, and whoever asks for the status."""
    found = {
        state.component.name: {"running": state.pid is not None, "ready": state.ready, "restarts": state.restarts}
        for state in states
    }
    write(INSIDE / "status.json", json.dumps({"phase": phase, "components": found}, indent=2) + "\n")


def _end_pods(name: str, hierarchies: cgroups.Hierarchies) -> None:
    """Ask the processes of all pods to end, so that databases in them close their files."""
    deadline = time.monotonic() + POD_PATIENCE
    for pid in _in_pods(name, hierarchies):
        _send(pid, signal.SIGTERM)
    while _in_pods(name, hierarchies) and time.monotonic() < deadline:
        time.sleep(0.1)


def _in_pods(name: str, hierarchies: cgroups.Hierarchies) -> set[int]:
    return cgroups.processes(f"{name}/kubepods", hierarchies)


def _send(pid: int, kind: signal.Signals) -> None:
    try:
        os.kill(pid, kind)
    except ProcessLookupError:
        return


if __name__ == "__main__":
    sys.exit(main())
