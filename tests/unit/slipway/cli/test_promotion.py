"""The three verbs in a row through their real processes: publish, promote, render."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import toy_platform
from tests.conftest import MODEL, ROOT
from tests.faults.workspace import Workspace
from tests.registry_server import RegistryServer, installed
from tests.toy_platform import ToyPlatform, platform_record

pytestmark = installed


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path / "registry") as running:
        running.push_server_image()
        yield running


@pytest.fixture
def toy(tmp_path: Path, release_folder: Path) -> ToyPlatform:
    made = toy_platform.make(tmp_path)
    shutil.copytree(release_folder, made.top / "releases" / MODEL / release_folder.name)
    return made


@pytest.fixture
def workspace(toy: ToyPlatform, server: RegistryServer, tmp_path: Path) -> Workspace:
    found = Workspace(toy.top)
    found.env |= {
        "PYTHONPATH": str(ROOT / "platform-lib/src"),
        "SLIPWAY_PLATFORM": str(platform_record(tmp_path / "platform.json", server.url)),
    }
    return found


def told(workspace: Workspace, *arguments: str) -> Any:
    done = workspace.slipway(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_from_a_release_to_production(workspace: Workspace, toy: ToyPlatform, release_folder: Path) -> None:
    early = workspace.slipway("promote", MODEL, "--to", "staging")
    assert early.returncode == 3
    assert "is not in the registry" in early.stderr
    published = told(workspace, "publish", MODEL)
    assert published["release"] == release_folder.name
    assert published["mlflow_version"] is None
    plain = workspace.slipway("publish", MODEL, release_folder.name[:8])
    assert plain.stdout.strip() == published["reference"]
    assert "published already" in plain.stderr
    refused = workspace.slipway("promote", MODEL, "--to", "production", "--merge")
    assert (refused.returncode, refused.stdout) == (1, "")
    for environment in ("staging", "production"):
        done = told(workspace, "promote", MODEL, "--to", environment, "--merge")
        assert (done["image"], done["role"], done["branch"]) == (published["image"], "champion", "main")
    toy_platform.git(toy.top, "pull", "--quiet", "platform", "main")
    assert told(workspace, "render", "--check") == {"differences": [], "strays": [], "written": False}
    route = toy.top / "gitops/rendered/production" / MODEL / "httproute.yaml"
    route.write_text(route.read_text().replace("production.localhost", "elsewhere"))
    found = workspace.slipway("render", "--check")
    assert found.returncode == 1
    assert f"differs: gitops/rendered/production/{MODEL}/httproute.yaml" in found.stderr
    assert told(workspace, "render")["written"] is True
    assert workspace.slipway("render", "--check").returncode == 0
    (toy.top / "gitops/rendered/qa" / MODEL).mkdir(parents=True)
    stray = workspace.slipway("render")
    assert stray.returncode == 1
    assert f"gitops/rendered/qa/{MODEL} belongs to no environment" in stray.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("promote", MODEL, "--to", "qa"), 2, "There is no environment 'qa'"),
        (("promote", "nope", "--to", "staging"), 2, "There is no model 'nope'"),
        (("promote", MODEL, "--to", "staging", "--release", "00000000"), 2, "There is no release '00000000'"),
        (("promote", MODEL, "--to", "staging", "--remote", "nope"), 2, "This clone has no remote 'nope'"),
        (("promote", MODEL), 2, "Missing option '--to'"),
        (("publish", "nope"), 2, "There is no model 'nope'"),
        (("publish", MODEL, "--platform", "/nowhere.json"), 3, "There is no platform"),
        (("publish", MODEL, "--base", "nope:latest"), 2, "has no server image"),
    ],
    ids=str,
)
def test_wrong_usage(workspace: Workspace, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = workspace.slipway(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
