"""The loop's clone: its password comes from a file that nobody writes to, and its folder must be one to write to."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from slipway.adapters.git import GitFault, Remote, RemoteAway
from slipway.canary.clone import Clone
from tests.toy_platform import git
from tests.unit.slipway.canary.conftest import Toy
from tests.unit.slipway.canary.world import COMMITTER


def test_a_password_is_read_and_never_written(tmp_path: Path) -> None:
    file = tmp_path / "a secret's folder" / "credentials"
    file.parent.mkdir()
    kept = _stored("pass")
    file.write_text(kept)
    clone = _made(tmp_path, file)
    assert "password=pass\n" in _credential(clone, "fill", ASKED)
    refused = ASKED.strip() + "\nusername=canary\npassword=pass\n\n"
    _credential(clone, "reject", refused)
    _credential(clone, "approve", refused.replace("pass", "other"))
    assert file.read_text() == kept


def test_a_password_is_read_where_a_mounted_secret_has_moved_to(tmp_path: Path) -> None:
    """As the kubelet does it: ..data leads to another folder after each change, and after each start of the pod."""
    mount = tmp_path / "mount"
    for folder, password in (("..first", "old"), ("..second", "new")):
        (mount / folder).mkdir(parents=True)
        (mount / folder / "credentials").write_text(_stored(password))
    (mount / "..data").symlink_to("..first")
    (mount / "credentials").symlink_to("..data/credentials")
    clone = _made(tmp_path, mount / "credentials")
    assert "password=old\n" in _credential(clone, "fill", ASKED)
    (mount / "..moved").symlink_to("..second")
    (mount / "..moved").rename(mount / "..data")
    shutil.rmtree(mount / "..first")
    assert "password=new\n" in _credential(clone, "fill", ASKED)


ASKED = "protocol=http\nhost=git.example.org\n\n"


def _stored(password: str) -> str:
    return f"http://canary:{password}@git.example.org\n"


def _made(folder: Path, credentials: Path) -> Clone:
    clone = Clone(folder / "clone.git", "http://git.example.org/platform", credentials, COMMITTER)
    clone.remote()
    return clone


def _credential(clone: Clone, what: str, given: str) -> str:
    done = subprocess.run(
        ["git", "-c", "credential.useHttpPath=false", "credential", what], cwd=clone.folder, input=given,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


def test_it_fetches_what_is_new(toy: Toy, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "room" / "clone.git", str(toy.platform.bare), None, COMMITTER)
    assert clone.tips("refs/heads/main", "refs/notes/rollouts") == [toy.main, None]
    moved = toy.push("something new")
    assert clone.tips("refs/heads/main") == [moved]
    assert git(clone.folder, "rev-parse", "main") == moved
    assert list(clone.folder.parent.iterdir()) == [clone.folder]


def test_a_remote_that_is_away_is_not_the_clone_s_fault(toy: Toy, tmp_path: Path) -> None:
    clone = Clone(tmp_path / "clone.git", str(toy.platform.bare), None, COMMITTER)
    clone.tips("refs/heads/main")
    toy.platform.bare.rename(tmp_path / "away")
    with pytest.raises(RemoteAway):
        clone.tips("refs/heads/main")
    assert clone.folder.is_dir()


def test_a_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    clone = Clone(tmp_path / "file" / "clone.git", "http://git.example.org", None, COMMITTER)
    with pytest.raises(GitFault, match="No clone can be made in"):
        clone.remote()


def test_a_password_in_a_url_is_told_to_nobody(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    remote = Remote(tmp_path, "http://somebody:s3cret@127.0.0.1:9/platform.git")
    for deed in (lambda: remote.branch("main"), lambda: remote.push([("0" * 40, "main", None)])):
        with pytest.raises(RemoteAway, match=r"http://127\.0\.0\.1:9/platform\.git does not answer") as caught:
            deed()
        assert "s3cret" not in str(caught.value)
