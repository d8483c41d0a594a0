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


def test_a_pull_request_is_checked_and_merged(workspace: Workspace, toy: ToyPlatform, release_folder: Path) -> None:
    told(workspace, "publish", MODEL)
    proposed = told(workspace, "promote", MODEL, "--to", "staging", "--body", "request.md")
    assert (toy.top / "request.md").read_text() == proposed["body"]
    assert release_folder.name in proposed["body"]
    assert proposed["body"].strip() in toy_platform.git(toy.bare, "log", "-1", "--format=%B", proposed["branch"])
    toy_platform.git(toy.top, "fetch", "--quiet", "platform")
    checked = told(workspace, "check", "--base", "platform/main", "--head", proposed["commit"])
    assert checked["passed"] is True
    assert {it["verdict"] for it in checked["judged"][0]["rulings"]} == {"green"}
    toy_platform.git(toy.top, "push", "--quiet", "platform", f"{proposed['commit']}:main")
    toy_platform.git(toy.top, "fetch", "--quiet", "platform")
    nothing = workspace.slipway("check", "--base", "platform/main", "--head", "platform/main")
    assert (nothing.returncode, nothing.stdout[:13]) == (0, "No promotion:")
    toy_platform.git(toy.top, "merge", "--quiet", "--ff-only", "platform/main")
    record = toy.top / "gitops/envs/staging" / MODEL / "release.yaml"
    record.write_text("champion: nonsense\n")
    toy_platform.git(toy.top, "commit", "--quiet", "--all", "--message=by hand")
    refused = workspace.slipway("check", "--base", "platform/main")
    assert refused.returncode == 1
    assert "The pull request breaks record" in refused.stderr
    assert "RED" in refused.stdout


def test_a_clone_without_the_release_takes_it_from_the_registry(
    workspace: Workspace, toy: ToyPlatform, release_folder: Path
) -> None:
    told(workspace, "publish", MODEL)
    shutil.rmtree(toy.top / "releases")
    unknown = workspace.slipway("promote", MODEL, "--to", "staging")
    assert unknown.returncode == 2
    assert "There is no release" in unknown.stderr
    first = told(workspace, "promote", MODEL, "--to", "staging", "--release", release_folder.name, "--merge")
    assert first["role"] == "champion"
    again = told(workspace, "promote", MODEL, "--to", "staging", "--release", release_folder.name, "--new")
    assert again == {"new": False, "release": release_folder.name}
    champion = told(workspace, "promote", MODEL, "--to", "production", "--new")
    assert champion["release"] == release_folder.name


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("promote", MODEL, "--to", "qa"), 2, "There is no environment 'qa'"),
        (("promote", "nope", "--to", "staging"), 2, "There is no model 'nope'"),
        (("promote", MODEL, "--to", "staging", "--release", "00000000"), 2, "There is no release '00000000'"),
        (("promote", MODEL, "--to", "staging", "--remote", "nope"), 2, "This clone has no remote 'nope'"),
        (("promote", MODEL), 2, "Missing option '--to'"),
        (("promote", MODEL, "--to", "staging", "--forge", "nope"), 2, "There is no forge 'nope'"),
        (("check", "--base", "nope"), 2, "has no commit 'nope'"),
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
