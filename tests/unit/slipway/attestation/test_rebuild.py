"""A release comes out of its own commit once more, byte by byte; another commit gives another, and it is said how."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from slipway import cli
from slipway.attestation import rebuild
from slipway.attestation.rebuild import differences
from slipway.attestation.repository import Commit, Repository
from tests.attested import commit_all, git
from tests.conftest import MODEL
from tests.faults.workspace import Workspace, finished

__all__ = ["finished"]


def test_how_two_releases_differ(tmp_path: Path) -> None:
    listings = ({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 9, "d": 4})
    for name, files in zip(("one", "other"), listings, strict=True):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps({"files": files}))
    found = differences(tmp_path / "one", tmp_path / "other")
    assert found == {"b": "changed", "c": "missing", "d": "added"}
    assert differences(tmp_path / "one", tmp_path / "one") == {}


def test_from_within_a_hook_of_git_the_user_s_own_head_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "--quiet")
    (origin / "a").write_text("old")
    old = Commit(Repository(origin), commit_all(origin))
    (origin / "a").write_text("new")
    new = commit_all(origin)
    branch = git(origin, "symbolic-ref", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(origin / ".git"))
    rebuild._clone(old, tmp_path / "clone")
    monkeypatch.delenv("GIT_DIR")
    assert (tmp_path / "clone" / "a").read_text() == "old"
    assert (git(origin, "rev-parse", "HEAD"), git(origin, "symbolic-ref", "HEAD")) == (new, branch)


@pytest.fixture
def committed(finished: Workspace) -> Workspace:
    """The finished workspace with a commit of what it was made of."""
    commit_all(finished.top)
    return finished


def test_a_release_is_made_once_more_from_its_commit(committed: Workspace) -> None:
    readme = committed.top / "README.md"
    before = readme.read_text()
    readme.write_text("work in progress\n")
    try:
        done = committed.slipway("rebuild", MODEL, "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["made"] == said["release"] == committed.release().name
        assert said["commit"] == git(committed.top, "rev-parse", "HEAD")
        assert said["differences"] == {}
        assert "running the whole pipeline of that commit" in done.stderr
        assert git(committed.top, "status", "--porcelain") == "M README.md"
        assert readme.read_text() == "work in progress\n"
    finally:
        readme.write_text(before)


def test_another_commit_makes_another_release_and_it_is_said_how(
    committed: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Had the build taken anything that the first one left, it would not see that the commit is another."""
    params = committed.top / "params.yaml"
    good, seed = params.read_text(), committed.params()["models"][MODEL]["train"]["seed"]
    try:
        committed.set_params({"train": {"seed": seed + 1}})
        other = Commit(Repository(committed.top), commit_all(committed.top))
    finally:
        params.write_text(good)
    for name, value in committed.env.items():
        monkeypatch.setenv(name, value)
    built = rebuild.rebuild(committed.release(), other, tmp_path)
    assert built.made != built.release == committed.release().name
    assert {"model.txt", "params.json", "evidence.json"} <= set(built.differences)
    assert "model/features.py" not in built.differences
    # The verb says so too; what it builds is known now.
    monkeypatch.setattr(rebuild, "rebuild", lambda *_: built)
    monkeypatch.setattr("sys.argv", ["slipway", "rebuild", str(committed.release())])
    monkeypatch.chdir(committed.top)
    commit_all(committed.top)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 1
    out, err = capsys.readouterr()
    assert "  changed  model.txt\n" in out
    assert f"Release {built.release[:12]} cannot be made again" in err
