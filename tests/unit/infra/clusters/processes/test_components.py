"""The command lines honour what a network without a default route needs, and name nothing of the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.clusters.processes import components
from infra.clusters.processes.addressing import Ranges
from infra.clusters.processes.spec import NodeSpec

SPEC = NodeSpec("slipway-local", Path("/state/cluster"), Ranges.numbered(200), {})
COMMANDS = {each.name: each.run for each in components.all_of(SPEC) if isinstance(each.run, tuple)}


def test_what_others_depend_on_starts_first() -> None:
    names = list(COMMANDS)
    assert names[:4] == ["containerd", "registry", "etcd", "kube-apiserver"]
    assert names.index("kubelet") > names.index("kube-apiserver")


@pytest.mark.parametrize(
    ("component", "option"),
    [
        ("kube-apiserver", "--advertise-address=172.31.200.2"),
        ("kube-apiserver", "--enable-aggregator-routing=true"),
        ("kube-apiserver", "--authorization-mode=Node,RBAC"),
        ("kube-apiserver", "--enable-admission-plugins=NodeRestriction"),
        ("kube-apiserver", "--anonymous-auth=false"),
        ("kube-apiserver", "--service-cluster-ip-range=10.200.128.0/20"),
        ("kube-controller-manager", "--cluster-cidr=10.200.0.0/17"),
        ("kube-controller-manager", "--service-cluster-ip-range=10.200.128.0/20"),
        ("kubelet", "--node-ip=172.31.200.2"),
        ("kubelet", "--hostname-override=slipway-local"),
        ("etcd", "--client-cert-auth"),
    ],
)
def test_an_option_that_the_cluster_cannot_do_without(component: str, option: str) -> None:
    assert option in COMMANDS[component]


def test_no_admission_plugin_is_turned_off() -> None:
    assert not any("disable-admission" in option for option in COMMANDS["kube-apiserver"])


def test_etcd_waits_for_the_disk() -> None:
    assert "--unsafe-no-fsync" not in COMMANDS["etcd"]


def test_commands_name_no_path_of_the_machine() -> None:
    assert not any("/state" in word for command in COMMANDS.values() for word in command)


def test_every_key_and_certificate_that_is_named_is_made(tmp_path: Path) -> None:
    from infra.clusters.processes import pki

    pki.ensure(tmp_path, SPEC.name, SPEC.ranges)
    words = [word.partition("=")[2] for command in COMMANDS.values() for word in command]
    named = [Path(word) for word in words if word.endswith((".key", ".crt", ".pub", ".kubeconfig"))]
    assert len(named) > 20
    for path in named:
        assert (tmp_path / path.relative_to("/run/cluster")).exists(), path
