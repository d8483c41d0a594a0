"""The programs that a cluster is made of: ours, built from Go modules, and those of the machine."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.errors import PlatformError

BUILT = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
    "coredns",
)
OF_THE_MACHINE = {
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "runc": "runc",
    "docker-registry": "docker-registry",
    "skopeo": "skopeo",
    "gcc": "gcc",
    "ip": "iproute2",
    "iptables": "iptables",
    "nft": "nftables",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "mount": "mount",
    "umount": "mount",
    "sysctl": "procps",
}
"""Each program by name, with the Debian package that brings it."""
CNI_PLUGINS = Path("/usr/lib/cni")
"""Where Debian's containernetworking-plugins are."""
NEEDED_CNI_PLUGINS = ("bridge", "host-local", "loopback", "portmap")


@dataclass(frozen=True)
class Programs:
    """Where the built programs are, by name."""

    paths: Mapping[str, Path]

    @classmethod
    def of(cls, paths: Mapping[str, Path]) -> Programs:
        """Takes the paths of at least the programs BUILT. Raises PlatformError when one is missing."""
        missing = [name for name in BUILT if name not in paths or not paths[name].is_file()]
        if missing:
            raise PlatformError(
                f"There are no programs for a cluster: {', '.join(missing)} missing.",
                "Name a folder that holds all of them with --programs, or build them: python -m infra.builds warm",
            )
        return cls({name: paths[name].resolve() for name in BUILT})

    @classmethod
    def built(cls) -> Programs:
        """The programs of this repository's pins; what is not in the cache is built first, which takes long."""
        # A folder of programs works without a Go toolchain and without what reads the pins.
        from infra import builds

        return cls.of(builds.programs(BUILT))

    @classmethod
    def in_folder(cls, folder: Path) -> Programs:
        """The programs in a folder, each under its own name. Raises PlatformError when one is missing."""
        return cls.of({name: folder / name for name in BUILT})

    def __getitem__(self, name: str) -> Path:
        return self.paths[name]


def missing_packages() -> list[str]:
    """The Debian packages of the programs that this machine lacks."""
    packages = {package for name, package in OF_THE_MACHINE.items() if shutil.which(name) is None}
    if any(not (CNI_PLUGINS / name).exists() for name in NEEDED_CNI_PLUGINS):
        packages.add("containernetworking-plugins")
    return sorted(packages)
