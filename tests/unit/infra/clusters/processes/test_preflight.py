"""Each thing that a machine may lack is named with its remedy, all of them at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.clusters.processes import preflight
from infra.clusters.processes.cgroups import Hierarchies
from infra.clusters.processes.preflight import Facts
from infra.errors import PlatformError

GIB = 1024**3
GOOD = Facts(
    system="Linux",
    kernel="6.1.0-18-amd64",
    user=0,
    hierarchies=Hierarchies(2, (Path("/sys/fs/cgroup"),)),
    file_systems=frozenset({"overlay", "tmpfs"}),
    free_disk=50 * GIB,
    free_memory=8 * GIB,
    missing_packages=(),
    taken_ports=(),
)
FIRST_VERSION = tuple(Path(f"/sys/fs/cgroup/{name}") for name in sorted(preflight.VERSION_1_CONTROLLERS))


def test_a_good_machine_passes() -> None:
    preflight.check(GOOD)
    preflight.check(replace(GOOD, hierarchies=Hierarchies(1, FIRST_VERSION)))


@pytest.mark.parametrize(
    ("change", "what", "remedy"),
    [
        ({"system": "Darwin"}, "it runs Darwin", "kind with Docker"),
        ({"user": 1000}, "you are not root", "Run it as root"),
        ({"kernel": "5.10.0-28-amd64"}, "its kernel is 5.10.0-28-amd64, and 5.13", "newer kernel"),
        ({"kernel": "unknown"}, "its kernel is unknown", "newer kernel"),
        ({"hierarchies": None}, "no control groups", "mount -t cgroup2"),
        ({"hierarchies": Hierarchies(1, FIRST_VERSION[:-1])}, "not mounted: pids", "version 2"),
        ({"file_systems": frozenset({"tmpfs"})}, "lacks overlay", "modprobe overlay"),
        ({"missing_packages": ("containerd", "runc")}, "containerd runc", "apt-get install containerd runc"),
        ({"free_disk": GIB}, "1.0 GiB of disk are free", "XDG_STATE_HOME"),
        ({"free_memory": GIB // 2}, "0.5 GiB of memory are free", "Free some"),
        ({"taken_ports": (8080, 8083)}, "127.0.0.1: 8080, 8083", "--first-port"),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(change: dict[str, Any], what: str, remedy: str) -> None:
    with pytest.raises(PlatformError) as error:
        preflight.check(replace(GOOD, **change))
    assert what in error.value.what
    assert remedy in error.value.remedy


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(PlatformError) as error:
        preflight.check(replace(GOOD, user=1000, kernel="4.19.0"))
    assert "not root" in error.value.what
    assert "4.19.0" in error.value.what


def test_controllers_that_share_a_folder_count_each() -> None:
    folders = (Path("/sys/fs/cgroup/cpu,cpuacct"), *(path for path in FIRST_VERSION if "cpu" != path.name != "cpuacct"))
    preflight.check(replace(GOOD, hierarchies=Hierarchies(1, folders)))


def test_this_machine_is_looked_at_before_the_folder_exists(tmp_path: Path) -> None:
    facts = preflight.of_this_machine(tmp_path / "not/yet/there", {})
    assert facts.system == "Linux"
    assert facts.free_disk > 0
    assert facts.free_memory > 0
    assert facts.taken_ports == ()
