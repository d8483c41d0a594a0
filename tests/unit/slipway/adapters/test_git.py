"""A remote: what is there, what is not, and pushes that are all or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.adapters.git import GitFault, Remote, RemoteMoved
from slipway.errors import UsageError
from tests import toy_platform
from tests.toy_platform import ToyPlatform, git


@pytest.fixture
def toy(tmp_path: Path) -> ToyPlatform:
    return toy_platform.make(tmp_path)


@pytest.fixture
def remote(toy: ToyPlatform) -> Remote:
    return Remote(toy.top, "platform")


def test_a_branch_is_fetched_wherever_the_clone_stands(toy: ToyPlatform, remote: Remote) -> None:
    moved = toy.change_main("page.md", "text\n")
    for each in (remote, Remote(toy.top, str(toy.bare))):
        assert each.branch("main") == moved
        assert each.branch("nope") is None
    assert remote.difference(f"{moved}^", moved) == ["page.md"]
    assert remote.parents(moved) == [git(toy.top, "rev-parse", "main")]


def test_a_remote_that_is_unknown_or_away(toy: ToyPlatform, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no remote 'nope'; it has platform") as caught:
        Remote(toy.top, "nope").branch("main")
    assert "git remote add nope" in caught.value.remedy
    with pytest.raises(GitFault, match="does not answer as it should"):
        Remote(toy.top, str(tmp_path / "nowhere.git")).branch("main")
    with pytest.raises(GitFault, match="does not answer as it should"):
        Remote(toy.top, "http://127.0.0.1:1/platform.git").branch("main")


def test_a_commit_holds_the_paths_that_are_named(toy: ToyPlatform, remote: Remote) -> None:
    hook = toy.top / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    main = remote.branch("main")
    assert main is not None
    with remote.worktree(main) as top:
        (top / "one").write_text("1")
        (top / "two").write_text("2")
        made = remote.commit(top, [Path("one")], "message")
    assert not top.exists()
    assert remote.difference(main, made) == ["one"]


def test_a_machine_that_knows_no_author_commits_all_the_same(
    toy: ToyPlatform, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    git(toy.top, "config", "--unset", "user.name")
    git(toy.top, "config", "--unset", "user.email")
    git(toy.top, "config", "user.useConfigOnly", "true")
    main = remote.branch("main")
    assert main is not None
    with remote.worktree(main) as top:
        (top / "one").write_text("1")
        made = remote.commit(top, [Path("one")], "message")
    assert "@" in git(toy.top, "log", "-1", "--format=%ae", made)


def test_branches_are_pushed_all_or_none(toy: ToyPlatform, remote: Remote) -> None:
    old = remote.branch("main")
    assert old is not None
    with remote.worktree(old) as top:
        (top / "one").write_text("1")
        made = remote.commit(top, [Path("one")], "message")
    moved = toy.change_main("page.md", "text\n")
    with pytest.raises(RemoteMoved, match="other commits on new, main meanwhile"):
        remote.push([(made, "new", None), (made, "main", old)])
    assert toy.branches() == {"main"}
    assert toy.commit("main") == moved
    remote.push([(made, "new", None)])
    with pytest.raises(RemoteMoved):
        remote.push([(old, "new", None)])
    remote.push([(None, "new", made)])
    assert toy.branches() == {"main"}


def test_a_remote_that_refuses_says_why(toy: ToyPlatform, remote: Remote) -> None:
    hook = toy.bare / "hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    main = remote.branch("main")
    with pytest.raises(GitFault, match="does not answer as it should") as caught:
        remote.push([(main, "new", None)])
    assert not isinstance(caught.value, RemoteMoved)


def test_a_hook_s_own_repository_is_not_taken_for_the_clone(
    toy: ToyPlatform, remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert remote.branch("main") == toy.commit("main")
