"""What PID 1 of a node needs to know; the launcher writes it, and PID 1 reads it before its mounts hide it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.clusters.processes.addressing import Ranges
from infra.names import loopback_ports

PEOPLE_PORTS = loopback_ports()
"""The default of the forwarder: the port on the machine's loopback to the node port."""


@dataclass(frozen=True)
class NodeSpec:
    """One node.

    Attributes:
        name: of the Kubernetes node, and of its control group.
        cluster: the stack's cluster folder on the machine.
        ranges: its addresses.
        programs: the paths of the built programs on the machine, by name.
        ports: the loopback ports of the machine, each with the node port that it leads to.
    """

    name: str
    cluster: Path
    ranges: Ranges
    programs: dict[str, Path]
    ports: dict[int, int] = field(default_factory=lambda: dict(PEOPLE_PORTS))

    def to_json(self) -> str:
        record = {
            "name": self.name,
            "cluster": str(self.cluster),
            "ranges": self.ranges.to_json(),
            "programs": {name: str(path) for name, path in self.programs.items()},
            "ports": {str(outer): inner for outer, inner in self.ports.items()},
        }
        return json.dumps(record, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> NodeSpec:
        """Raises KeyError, TypeError or ValueError on a record that is not one."""
        record: dict[str, Any] = json.loads(text)
        return cls(
            name=record["name"],
            cluster=Path(record["cluster"]),
            ranges=Ranges.from_json(record["ranges"]),
            programs={name: Path(path) for name, path in record["programs"].items()},
            ports={int(outer): int(inner) for outer, inner in record["ports"].items()},
        )
