"""Where the files of a stack are, and what its objects in the kernel are called."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from infra.paths import check_stack_name, state_folder

MACHINE = Path("/run/slipway")
"""What all stacks of this machine share: the ranges in use, the locks and the saved kernel settings."""
INSIDE = Path("/run/cluster")
"""Where the node's own processes see the stack's cluster folder, wherever that is on the machine."""
PROGRAMS_INSIDE = Path("/run/programs")
"""Where the node's own processes see the programs, wherever they are on the machine."""

LONGEST_LINK_NAME = 15
"""IFNAMSIZ less the final zero byte."""


@dataclass(frozen=True)
class Layout:
    """The paths and names of one stack; nothing here exists because it is named here."""

    stack: str
    state: Path
    """The stack's folder; only `cluster/` in it belongs to the node."""

    @classmethod
    def of(cls, stack: str) -> Layout:
        """The layout of a stack under the user's state folder. Raises UsageError on a name that cannot be one."""
        check_stack_name(stack)
        return cls(stack, state_folder(stack).absolute())

    @property
    def name(self) -> str:
        """What the stack's network namespace, cgroup and Kubernetes node are called."""
        return f"slipway-{self.stack}"

    @property
    def link(self) -> str:
        """The machine's end of the pair of links, short enough for the kernel."""
        if len(self.name) <= LONGEST_LINK_NAME:
            return self.name
        return f"slipway-{hashlib.sha256(self.stack.encode()).hexdigest()[:6]}"

    @property
    def network_namespace(self) -> Path:
        return Path("/run/netns") / self.name

    @property
    def cluster(self) -> Path:
        return self.state / "cluster"

    @property
    def node_spec(self) -> Path:
        return self.cluster / "node.json"

    @property
    def node_status(self) -> Path:
        return self.cluster / "status.json"

    @property
    def kubeconfig(self) -> Path:
        return self.cluster / "kubeconfig"

    @property
    def pki(self) -> Path:
        return self.cluster / "pki"

    @property
    def logs(self) -> Path:
        return self.cluster / "logs"

    @property
    def claim(self) -> Path:
        """The machine-wide record that this stack exists: its ranges and its folder."""
        return MACHINE / "stacks" / f"{self.stack}.json"

    @property
    def lock(self) -> Path:
        return MACHINE / f"{self.stack}.lock"
