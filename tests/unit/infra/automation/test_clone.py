from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import pytest

from infra.automation import clone
from infra.errors import PlatformError

URL = "http://127.0.0.1:8082/platform.git"


def git(folder: Path, *arguments: str, stdin: str = "") -> str:
    run = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True, input=stdin)
    return run.stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "a clone")
    return tmp_path / "a clone"


def connect(repository: Path, password: str = "s3cret") -> Path:
    credentials = repository.parent / "state of it" / "git-credentials"
    credentials.parent.mkdir(exist_ok=True)
    clone.connect(repository, URL, credentials, "slipway", password)
    return credentials


def test_git_finds_the_password_in_a_file_that_only_its_owner_reads(repository: Path) -> None:
    credentials = connect(repository)
    assert stat.S_IMODE(credentials.stat().st_mode) == 0o600
    filled = git(repository, "credential", "fill", stdin=f"url={URL}\n\n")
    assert "username=slipway\npassword=s3cret\n" in filled


def test_the_password_is_not_in_the_repository(repository: Path) -> None:
    connect(repository)
    assert clone.remote_url(repository) == URL
    assert "s3cret" not in (repository / ".git" / "config").read_text()


def test_again_with_another_password_changes_the_file_alone(repository: Path) -> None:
    connect(repository)
    before = (repository / ".git" / "config").read_text()
    connect(repository, "0ther")
    assert (repository / ".git" / "config").read_text() == before
    assert "password=0ther\n" in git(repository, "credential", "fill", stdin=f"url={URL}\n\n")


def test_a_remote_that_leads_elsewhere_is_left_alone(repository: Path) -> None:
    git(repository, "remote", "add", "platform", "https://example.com/other.git")
    with pytest.raises(PlatformError, match=r"leads to https://example\.com/other\.git"):
        connect(repository)
    clone.disconnect(repository, URL)
    assert clone.remote_url(repository) == "https://example.com/other.git"


def test_disconnect_leaves_nothing_and_may_be_repeated(repository: Path) -> None:
    before = git(repository, "config", "--local", "--list")
    connect(repository)
    clone.disconnect(repository, URL)
    clone.disconnect(repository, URL)
    assert git(repository, "config", "--local", "--list") == before
