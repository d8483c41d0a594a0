"""Tests that bring a real cluster up: `pytest tests/cluster --cluster`, on Linux, as root."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import platform as platforms
from tests.cluster.bare_node import BareNode, free_ports
from tests.cluster.platform import ROOT, Platform

HERE = Path(__file__).parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cluster", action="store_true", help="run tests/cluster: brings clusters up on this machine")
    parser.addoption("--programs", type=Path, help="folder of the cluster's programs (default: built from the pins)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # Without tests/cluster among its arguments pytest reads this file too late to know the option.
    if config.getoption("--cluster", default=False):
        return
    skip = pytest.mark.skip(reason="brings a cluster up on this machine: pytest tests/cluster --cluster")
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def programs(pytestconfig: pytest.Config) -> Path | None:
    """The folder that the command line names, or None for the programs that are built from the pins."""
    folder: Path | None = pytestconfig.getoption("--programs")
    return folder and folder.absolute()


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The platform that SLIPWAY_PLATFORM names, or one of this run's own: brought up first, and in the end removed."""
    named = Path(os.environ.get("SLIPWAY_PLATFORM", ""))
    if named.is_file():
        yield Platform(named, dict(os.environ))
        return
    folder = tmp_path_factory.mktemp("platform")
    own = Platform(platforms.record_file(folder), platforms.environment(folder, free_ports()))
    try:
        own.run("make", "platform-up")
        yield own
    finally:
        own.run("make", "platform-down")


@pytest.fixture
def absent_node(tmp_path: Path, programs: Path | None) -> Iterator[BareNode]:
    """A stack of its own that is not there yet, and is taken down at the end."""
    node = BareNode("alone", tmp_path / "state", free_ports(), programs)
    yield node
    node.run("down")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, programs: Path | None) -> Iterator[BareNode]:
    """A bare node that runs, shared by the tests of a module."""
    shared = BareNode("tested", tmp_path_factory.mktemp("state"), free_ports(), programs)
    shared.run("down")
    shared.up()
    yield shared
    shared.run("down")


@pytest.fixture
def namespace(node: BareNode) -> Iterator[str]:
    """A fresh Kubernetes namespace, where pods must keep to the restricted standard."""
    name = node.kubectl("create", "-f-", "-o", "jsonpath={.metadata.name}", stdin=NAMESPACE)
    yield name
    node.kubectl("delete", "namespace", name, "--wait=false")


NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata:
  generateName: test-
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""


@pytest.fixture
def model_namespace(platform: Platform) -> Iterator[str]:
    """A fresh namespace for models: the policies hold there, and the Seldon operator may write."""
    name = platform.kubectl("create", "-f-", "-o", "jsonpath={.metadata.name}", stdin=MODEL_NAMESPACE)
    platform.kubectl("-n", name, "apply", "-k", str(OPERATOR_ACCESS))
    yield name
    platform.kubectl("delete", "namespace", name, "--wait=false")


OPERATOR_ACCESS = ROOT / "gitops/addons/policies/operator-access"
MODEL_NAMESPACE = """
apiVersion: v1
kind: Namespace
metadata:
  generateName: models-
  labels:
    pod-security.kubernetes.io/enforce: restricted
    slipway.dev/models: "true"
"""
