"""Tests that bring a real cluster up: `pytest tests/cluster --cluster`, on Linux, as root."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from slipway.adapters.registry import Registry
from slipway.project import ModelPaths
from slipway.release import load, signing
from slipway.release.record import Published
from slipway.rendering.served import ENVIRONMENTS
from tests.cluster import faulty_releases
from tests.cluster import platform as platforms
from tests.cluster.bare_node import BareNode, free_ports
from tests.cluster.clone import Clone
from tests.cluster.platform import ROOT, Platform
from tests.cluster.rollouts import Rollouts
from tests.conftest import MODEL
from tests.live_server import tensors

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


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public key of who signs releases here; the private one lies beside it."""
    return signing.new_keys(tmp_path_factory.mktemp("keys") / "right.pem")


@pytest.fixture(scope="session")
def make(release_folder: Path, key: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Makes another release of the real one, signed, by the name of what is special about it."""
    room = tmp_path_factory.mktemp("releases")

    def made(name: str) -> Path:
        found = faulty_releases.variant(release_folder, room, name)
        return faulty_releases.sign(found, key.with_suffix(""))

    return made


@pytest.fixture(scope="session")
def rows(release_folder: Path, paths: ModelPaths) -> list[dict[str, Any]]:
    """Requests of the newest month, spread over it."""
    fields = [field.name for field in load(release_folder).fields]
    table = pl.read_parquet(max((ROOT / paths.validated).glob("*.parquet")), columns=fields)
    return table.gather_every(table.height // 400).to_dicts()


@pytest.fixture(scope="session")
def clone(
    platform: Platform, release_folder: Path, key: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Clone]:
    """A clone of the platform's monorepo, whose champions are signed. In the end the platform is as it was before."""
    made = Clone.make(platform, tmp_path_factory.mktemp("clone") / "monorepo")
    before = made.git("rev-parse", "HEAD")
    champion = tmp_path_factory.mktemp("champion") / release_folder.name
    shutil.copytree(release_folder, champion)
    made.hold(faulty_releases.sign(champion, key.with_suffix("")))
    image = made.asked("publish", MODEL, champion.name)["image"]
    for environment in ENVIRONMENTS:
        # By hand: its signature makes it another image, and promoting that would be a roll-out.
        made.install(environment, Published(release=champion.name, image=image))
    yield made
    made.pull()
    made.git("rm", "-r", "--quiet", "gitops")
    made.git("checkout", "--quiet", before, "--", "gitops")
    made.push("Leave everything as it was")


def _rollouts(clone: Clone, environment: str, rows: list[dict[str, Any]], release: Path) -> Rollouts:
    fields = list(load(release).fields)
    bodies = [json.dumps({"inputs": tensors(fields, [row])}).encode() for row in rows]
    found = Rollouts(clone, environment, bodies)
    found.watch_by()
    found.settle()
    return found


@pytest.fixture(scope="session")
def staging(clone: Clone, rows: list[dict[str, Any]], release_folder: Path) -> Rollouts:
    """Roll-outs in staging, by a canary.yaml of the tests."""
    return _rollouts(clone, "staging", rows, release_folder)


@pytest.fixture(scope="session")
def production(clone: Clone, rows: list[dict[str, Any]], release_folder: Path) -> Rollouts:
    """Roll-outs in production, by a canary.yaml of the tests."""
    return _rollouts(clone, "production", rows, release_folder)


@pytest.fixture(scope="session")
def registry(platform: Platform) -> Registry:
    """The platform's, to which images are pushed."""
    return Registry(platform.record["registry"]["push_url"])


@pytest.fixture(scope="session")
def good(make: Callable[[str], Path]) -> Path:
    """A challenger that is as good as the champion."""
    return make("good")


@pytest.fixture(scope="session")
def shifted(
    release_folder: Path, key: Path, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A challenger whose scores lie half a standard deviation higher."""
    found = faulty_releases.shifted(release_folder, tmp_path_factory.mktemp("shifted"), rows, deviations=0.5)
    return faulty_releases.sign(found, key.with_suffix(""))


@pytest.fixture(scope="session")
def wrongly_signed(release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A challenger that somebody else signed."""
    room = tmp_path_factory.mktemp("wrong")
    signing.new_keys(room / "wrong.pem")
    found = faulty_releases.variant(release_folder, room / "releases", "signed by somebody else")
    return faulty_releases.sign(found, room / "wrong.pem")
