"""The stack's network namespace and its one link to the machine.

There is no default route inside: the node, its pods and their services talk with this machine and with nothing else,
and nothing else can be answered by them. Outside, what belongs to the stack goes into the link or nowhere.
"""

from __future__ import annotations

import json
import subprocess
from ipaddress import IPv4Network
from pathlib import Path

from infra.clusters.processes.addressing import REGISTRY_PORT, Ranges
from infra.clusters.processes.layout import Layout
from infra.errors import PlatformError

NODE_LINK = "node0"
POD_BRIDGE = "cni0"
SERVICE_BRIDGE = "services0"
LAST_RESORT = "9999"
"""Metric of the routes that swallow what the link does not take."""


def create(layout: Layout, ranges: Ranges) -> None:
    """Make the namespace, the link and the routes. Raises PlatformError, and leaves what it has made to `remove`."""
    _ip("netns", "add", layout.name)
    _ip("link", "add", layout.link, "type", "veth", "peer", "name", NODE_LINK, "netns", layout.name)
    _ip("address", "add", f"{ranges.host}/{ranges.link.prefixlen}", "dev", layout.link)
    _ip("link", "set", layout.link, "up")
    _configure_inside(layout, ranges)
    for network in (ranges.pods, ranges.services):
        _ip("route", "add", str(network), "via", str(ranges.node), "dev", layout.link)
    for network in _networks(ranges):
        _ip("route", "add", "blackhole", str(network), "metric", LAST_RESORT)


def _configure_inside(layout: Layout, ranges: Ranges) -> None:
    inside = ("-netns", layout.name)
    _ip(*inside, "link", "set", "lo", "up")
    _ip(*inside, "address", "add", f"{ranges.node}/{ranges.link.prefixlen}", "dev", NODE_LINK)
    _ip(*inside, "link", "set", NODE_LINK, "up")
    # A process of the node reaches a service through kube-proxy's rules only if some route leads there.
    _ip(*inside, "link", "add", SERVICE_BRIDGE, "type", "bridge")
    _ip(*inside, "link", "set", SERVICE_BRIDGE, "up")
    _ip(*inside, "route", "add", str(ranges.services), "dev", SERVICE_BRIDGE, "src", str(ranges.node))
    _run(*inside_network(layout), "nft", _rules())
    settings = ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
    _run(*inside_network(layout), "sysctl", "--quiet", "--write", *settings)


def inside_network(layout: Layout) -> tuple[str, str]:
    """What runs a command in the stack's network: `ip netns exec` would mount a /sys without the control groups."""
    return "nsenter", f"--net={layout.network_namespace}"


def _rules() -> str:
    """The registry knows no users: the node pulls from it and the machine pushes to it, but no pod may."""
    return (
        "add table inet slipway;"
        "add chain inet slipway input { type filter hook input priority 0; };"
        f"add rule inet slipway input iifname {POD_BRIDGE} tcp dport {REGISTRY_PORT} drop"
    )


def remove(layout: Layout, ranges: Ranges | None) -> None:
    """Remove whatever of it exists."""
    if _link_exists(layout.link):
        _ip("link", "delete", layout.link)
    if layout.network_namespace.exists():
        _ip("netns", "delete", layout.name)
    _forget_empty_namespace_folder(layout.network_namespace.parent)
    for network in own_routes(ranges) if ranges else ():
        _ip("route", "delete", "blackhole", str(network), "metric", LAST_RESORT)


def own_routes(ranges: Ranges) -> list[IPv4Network]:
    """Those of the stack's networks that the machine still swallows."""
    answer = subprocess.run(
        ["ip", "-json", "-4", "route", "show", "type", "blackhole"], check=True, capture_output=True, text=True
    ).stdout
    blackholes = {route["dst"] for route in json.loads(answer or "[]") if str(route.get("metric")) == LAST_RESORT}
    return [network for network in _networks(ranges) if str(network) in blackholes]


def leftovers(layout: Layout, ranges: Ranges | None) -> list[str]:
    """What of it exists, in words."""
    found = [f"link {layout.link}"] if _link_exists(layout.link) else []
    found += [f"network namespace {layout.name}"] if layout.network_namespace.exists() else []
    return found + [f"route {network}" for network in (own_routes(ranges) if ranges else ())]


def _networks(ranges: Ranges) -> tuple[IPv4Network, ...]:
    return ranges.link, ranges.pods, ranges.services


def _link_exists(name: str) -> bool:
    return Path("/sys/class/net", name).exists()


def _forget_empty_namespace_folder(folder: Path) -> None:
    """`ip netns add` mounts the folder onto itself and leaves it so for ever."""
    if not folder.is_dir() or any(folder.iterdir()):
        return
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    if str(folder) in mounts:
        _run("umount", str(folder))
        folder.rmdir()


def _ip(*arguments: str) -> None:
    _run("ip", *arguments)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise PlatformError(
            f"`{' '.join(command)}` failed: {done.stderr.strip()}",
            "The network of the stack cannot be made like this: see the message of `ip`, then try again.",
        )
