"""Address ranges of a stack that nothing else on the machine uses.

A stack takes one number N: its pods and services have halves of 10.N.0.0/16, and its link to the machine is
172.31.N.0/30. What is taken is what the machine has routes and addresses for, and what other stacks have claimed.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_network
from typing import Any

from infra.errors import PlatformError

NUMBERS = range(200, 250)
API_PORT = 6443
REGISTRY_PORT = 5000


@dataclass(frozen=True)
class Ranges:
    """The three IPv4 ranges of a stack, and the addresses in them that have a role."""

    link: IPv4Network
    pods: IPv4Network
    services: IPv4Network

    @classmethod
    def numbered(cls, number: int) -> Ranges:
        return cls(
            link=IPv4Network(f"172.31.{number}.0/30"),
            pods=IPv4Network(f"10.{number}.0.0/17"),
            services=IPv4Network(f"10.{number}.128.0/20"),
        )

    @property
    def host(self) -> IPv4Address:
        """The machine's end of the link."""
        return self.link[1]

    @property
    def node(self) -> IPv4Address:
        """The node's end of the link, where the API server, the registry and the node ports listen."""
        return self.link[2]

    @property
    def registry(self) -> str:
        """Host and port of the node's own registry, plain HTTP."""
        return f"{self.node}:{REGISTRY_PORT}"

    @property
    def node_pods(self) -> IPv4Network:
        """The pods of the one node: what the controller manager gives to the first node of the range."""
        return next(self.pods.subnets(new_prefix=24))

    @property
    def api(self) -> IPv4Address:
        """The address of the service `kubernetes`."""
        return self.services[1]

    @property
    def dns(self) -> IPv4Address:
        return self.services[10]

    def overlaps(self, other: IPv4Network) -> bool:
        return any(own.overlaps(other) for own in (self.link, self.pods, self.services))

    def to_json(self) -> dict[str, str]:
        return {"link": str(self.link), "pods": str(self.pods), "services": str(self.services)}

    @classmethod
    def from_json(cls, record: dict[str, str]) -> Ranges:
        """Raises KeyError or ValueError on a record that is not one."""
        return cls(*(IPv4Network(record[name]) for name in ("link", "pods", "services")))


def free(taken: Iterable[IPv4Network]) -> Ranges:
    """The first numbered ranges that overlap nothing taken. Raises PlatformError when there are none."""
    taken = list(taken)
    for number in NUMBERS:
        ranges = Ranges.numbered(number)
        if not any(ranges.overlaps(network) for network in taken):
            return ranges
    raise PlatformError(
        f"No number from {NUMBERS.start} to {NUMBERS.stop - 1} is free for 10.N.0.0/16 and 172.31.N.0/30.",
        "Take a stack down that is no longer needed, or free one of these ranges (see `ip route`).",
    )


def collisions(ranges: Ranges, taken: Iterable[IPv4Network]) -> list[IPv4Network]:
    """Those of the taken networks that the ranges overlap."""
    return [network for network in taken if ranges.overlaps(network)]


def on_this_machine() -> list[IPv4Network]:
    """The networks that the machine has a route to or an address in; the default route does not count."""
    routes = _ip_json("-4", "route", "show", "table", "all")
    links = _ip_json("-4", "address", "show")
    found = [route["dst"] for route in routes if route["dst"] != "default"]
    found += [f"{address['local']}/{address['prefixlen']}" for link in links for address in link["addr_info"]]
    networks = (ip_network(text, strict=False) for text in found)
    return [network for network in networks if isinstance(network, IPv4Network) and network.prefixlen > 0]


def _ip_json(*arguments: str) -> list[dict[str, Any]]:
    answer = subprocess.run(["ip", "-json", *arguments], check=True, capture_output=True, text=True).stdout
    # Without any entry it prints nothing at all, and for a link without addresses an empty object.
    return [entry for entry in json.loads(answer or "[]") if entry]
