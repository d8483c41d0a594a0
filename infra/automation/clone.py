"""Make `git push platform main` work in the user's clone, with the password outside of it."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from urllib.parse import quote, urlsplit

from infra.commands import run
from infra.errors import PlatformError
from infra.files import write

REMOTE = "platform"
CREDENTIALS = "git-credentials"


def connect(clone: Path, url: str, credentials: Path, user: str, password: str) -> None:
    """Add the remote `platform`, and tell Git in which file the password for it stands.

    Args:
        clone: the user's repository
        url: of the platform's repository, without credentials
        credentials: the file for Git's `store` helper; written with mode 0600
        user: the name to push with
        password: its password

    Raises:
        PlatformError: a remote of that name leads elsewhere
    """
    present = remote_url(clone)
    if present not in (None, url):
        raise PlatformError(
            f"This clone has a remote {REMOTE!r} already, and it leads to {present}.",
            f"Rename it (`git remote rename {REMOTE} ...`) and run the same again, or push by URL: "
            f"`git push {url} HEAD:main`.",
        )
    where = urlsplit(url)
    write(credentials, f"{where.scheme}://{quote(user)}:{quote(password)}@{where.netloc}\n")
    if present is None:
        _git(clone, "remote", "add", REMOTE, url)
    key = _helper_key(url)
    # The empty value first: a helper of the user's own, such as a key chain, is not to learn this password.
    _git(clone, "config", "--replace-all", key, "")
    _git(clone, "config", "--add", key, f"store --file={shlex.quote(str(credentials))}")


def disconnect(clone: Path, url: str) -> None:
    """Undo `connect`, and only that: a remote that leads elsewhere stays."""
    if remote_url(clone) == url:
        _git(clone, "remote", "remove", REMOTE)
    section = _helper_key(url).removesuffix(".helper")
    subprocess.run(["git", "-C", str(clone), "config", "--remove-section", section], capture_output=True, check=False)


def remote_url(clone: Path) -> str | None:
    """Where the remote `platform` leads, or None."""
    key = f"remote.{REMOTE}.url"
    done = subprocess.run(
        ["git", "-C", str(clone), "config", "--get", key], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or None


def _helper_key(url: str) -> str:
    where = urlsplit(url)
    return f"credential.{where.scheme}://{where.netloc}.helper"


def _git(clone: Path, *arguments: str) -> None:
    run(["git", "-C", str(clone), *arguments], "Correct the clone's configuration, and run the same again.")
