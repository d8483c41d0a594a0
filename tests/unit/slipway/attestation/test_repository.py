"""Git as lineage reads it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from slipway.attestation.repository import Commit, Repository
from slipway.errors import EnvironmentFault
from tests.attested import WHO, commit_all, git


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    git(tmp_path, "init", "--quiet")
    return Repository(tmp_path)


def test_a_commit_s_files(repository: Repository) -> None:
    assert not repository.exists
    content = {"a.txt": b"one\nline", "b/ü x.bin": bytes(range(256)) * 9, "empty": b""}
    for name, written in content.items():
        (repository.top / name).parent.mkdir(exist_ok=True)
        (repository.top / name).write_bytes(written)
    name = commit_all(repository.top)
    assert repository.exists
    (repository.top / "a.txt").write_text("changed since")
    commit = Commit(repository, name)
    assert set(commit.files) == set(content)
    assert commit.read([*content, "none"]) == content
    assert commit.read([]) == {}
    assert abs(commit.time - datetime.now(UTC)) < timedelta(minutes=5)


def test_head_comes_first_and_then_the_commits_of_a_path(repository: Repository) -> None:
    names = []
    for number in range(3):
        (repository.top / ("lock" if number != 1 else "other")).write_text(str(number))
        names.append(commit_all(repository.top))
    assert repository.commits_of("lock") == [names[2], names[0]]
    assert repository.commits_of("other") == [names[2], names[1]]


def test_a_commit_that_the_clone_lacks(repository: Repository) -> None:
    (repository.top / "a").write_text("")
    name = commit_all(repository.top)
    assert repository.commit(name) == Commit(repository, name)
    assert repository.commit("0" * 40) is None
    assert repository.commit("--help") is None


def test_what_the_last_commit_has(repository: Repository) -> None:
    assert repository.committed("a") == b""
    (repository.top / "a").write_text("one")
    commit_all(repository.top)
    (repository.top / "a").write_text("two")
    assert repository.committed("a") == b"one"
    assert repository.committed("b") == b""


def _wrong_folder(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(repository.top / "none"))


def _damaged(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository.top / ".git" / "config").write_text("[")


def _headless(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository.top / ".git" / "HEAD").unlink()


@pytest.mark.parametrize("break_it", [_wrong_folder, _damaged, _headless])
def test_a_clone_that_git_cannot_read_is_not_one_that_lacks_things(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, break_it: Callable[[Repository, pytest.MonkeyPatch], None]
) -> None:
    (repository.top / "a").write_text("one")
    name = commit_all(repository.top)
    break_it(repository, monkeypatch)
    with pytest.raises(EnvironmentFault, match="git rev-parse failed"):
        repository.committed("a")
    with pytest.raises(EnvironmentFault, match="git rev-parse failed"):
        repository.commit(name)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", None),
        ("/srv/git/slipway", None),
        ("file:///srv/git/slipway", None),
        ("https://example.com/team/slipway.git", "git+https://example.com/team/slipway.git"),
        ("https://robot:" + "secret@example.com/slipway", "git+https://example.com/slipway"),
        ("git@example.com:team/slipway.git", "git+ssh://git@example.com/team/slipway.git"),
    ],
)
def test_the_address_holds_no_password_and_no_path_of_this_machine(
    repository: Repository, url: str, shown: str | None
) -> None:
    if url:
        git(repository.top, "remote", "add", "origin", url)
    assert repository.address == shown


def test_who_commits_here(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WHO.items():
        monkeypatch.setenv(name, value)
    assert repository.identity == "Ada <ada@example.com>"
    for name in list(WHO)[:2]:
        monkeypatch.delenv(name)
    git(repository.top, "config", "user.useConfigOnly", "true")
    with pytest.raises(EnvironmentFault, match="does not know who you are"):
        _ = repository.identity


def test_outside_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Repository(tmp_path).exists
    with pytest.raises(EnvironmentFault, match="git log failed"):
        Repository(tmp_path).commits_of("x")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match="git cannot be run"):
        _ = Repository(tmp_path).exists
