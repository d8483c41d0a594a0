from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.bootstrap import repositories
from infra.bootstrap.repositories import SeedProvider, UpstreamProvider
from infra.errors import PlatformError


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A user's repository with one commit, on a branch of any name."""
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=mine")
    commit(folder, "first")
    return folder


@pytest.fixture
def target(tmp_path: Path) -> dict[str, Any]:
    """An empty repository, reached as a file: no password is asked for."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "server.git")
    return {"url": str(tmp_path / "server.git"), "user": "slipway", "password": "p"}


def commit(folder: Path, text: str) -> str:
    (folder / "file").write_text(text)
    git(folder, "add", "file")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", text)
    return git(folder, "rev-parse", "HEAD")


def test_the_platform_begins_with_the_users_head(clone: Path, target: dict[str, Any]) -> None:
    SeedProvider().create({"clone": str(clone), **target})
    assert repositories.head_of(target["url"]) == git(clone, "rev-parse", "HEAD")


def test_what_others_have_pushed_since_is_left_alone(clone: Path, target: dict[str, Any]) -> None:
    props = {"clone": str(clone), **target}
    made = SeedProvider().create(props)
    before = git(clone, "rev-parse", "HEAD")
    commit(clone, "second")
    assert not SeedProvider().diff(made.id, made.outs, props).changes
    SeedProvider().create(props)
    assert repositories.head_of(target["url"]) == before


def test_a_repository_without_the_branch_is_begun_again(clone: Path, target: dict[str, Any]) -> None:
    made = SeedProvider().create({"clone": str(clone), **target})
    assert SeedProvider().read(made.id, made.outs).id == made.id
    git(Path(target["url"]), "update-ref", "-d", "refs/heads/main")
    assert SeedProvider().read(made.id, made.outs).id == ""


def test_a_server_that_does_not_answer_is_not_taken_for_an_empty_one(clone: Path, target: dict[str, Any]) -> None:
    made = SeedProvider().create({"clone": str(clone), **target})
    gone = {**made.outs, "url": "http://127.0.0.1:1/platform.git"}
    assert SeedProvider().read(made.id, gone).id == made.id
    with pytest.raises(PlatformError, match=r"git ls-remote .* failed"):
        repositories.head_of(gone["url"])


def test_a_folder_without_a_commit_cannot_be_deployed(tmp_path: Path, target: dict[str, Any]) -> None:
    git(tmp_path, "init", "--quiet", "empty")
    with pytest.raises(PlatformError, match="has no commit that could be deployed"):
        SeedProvider().create({"clone": str(tmp_path / "empty"), **target})


def test_the_same_tree_is_the_same_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = []
    for name in ("a", "b"):
        tree = tmp_path / name
        (tree / "folder").mkdir(parents=True)
        (tree / "folder" / "file.yaml").write_text("kind: List\n")
        (tree / ".gitignore").write_text("*.yaml\n")
        monkeypatch.setenv("GIT_AUTHOR_NAME", name)
        commits.append(repositories.commit_of(tree, tmp_path / f"{name}.git"))
    assert commits[0] == commits[1]
    assert "folder/file.yaml" in git(tmp_path / "a.git", "ls-tree", "-r", "--name-only", commits[0])


def test_upstream_follows_its_pins_and_drift_is_seen(
    clone: Path, target: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"text": "one"}

    def write(tree: Path) -> None:
        tree.mkdir()
        (tree / "file").write_text(content["text"])

    monkeypatch.setattr(repositories.manifests, "write", write)
    provider = UpstreamProvider()
    made = provider.create({"key": "1", "commit": None, "found": None, **target})
    assert repositories.head_of(target["url"]) == made.outs["commit"]
    assert not provider.diff(made.id, made.outs, {"key": "1", **target}).changes
    assert provider.diff(made.id, made.outs, {"key": "2", **target}).changes

    repositories.push(clone, git(clone, "rev-parse", "HEAD"), target, force=True)
    drifted = provider.read(made.id, made.outs).outs
    assert provider.diff(made.id, drifted, {"key": "1", **target}).changes
    content["text"] = "two"
    updated = provider.update(made.id, drifted, {"key": "2", **target}).outs
    assert repositories.head_of(target["url"]) == updated["commit"] != made.outs["commit"]


def test_the_password_is_on_no_command_line(
    clone: Path, target: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[list[str], dict[str, str]]] = []

    def spy(command: list[str], **arguments: Any) -> subprocess.CompletedProcess[str]:
        calls.append((command, arguments["env"]))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(repositories.subprocess, "run", spy)
    repositories.push(clone, "HEAD", {**target, "password": "s3cret"})
    command, environment = calls[0]
    assert "s3cret" not in " ".join(command)
    assert environment["SLIPWAY_GIT_PASSWORD"] == "s3cret"
