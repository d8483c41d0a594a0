"""As whom the canary loop pushes: on the platform's own Git server, or in a repository that is somebody else's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

import pulumi

from infra.bootstrap.git import INSIDE, USER
from infra.errors import UsageError
from infra.settings import GitOps

_REMEDY = (
    "Give slipway:gitops.credentials the path of a file, outside the repository, that holds a line as Git's credential "
    "store writes it, https://USER:<TOKEN>@HOST, of an account that may push to the branch (docs/guides/platform.md)."
)


@dataclass(frozen=True)
class Account:
    """A repository, as the cluster calls it, and who may push to it."""

    url: str
    user: str
    password: pulumi.Input[str]


def account(gitops: GitOps, own_password: pulumi.Input[str]) -> Account:
    """The account of the canary loop.

    Args:
        own_password: of the platform's own Git server, which is used unless the settings name another repository

    Raises:
        UsageError: the repository is somebody else's, and `gitops.credentials` has no account for it
    """
    if not gitops.repository:
        return Account(f"{INSIDE}/platform.git", USER, own_password)
    target = urlsplit(gitops.repository)
    if target.scheme not in ("http", "https"):
        raise UsageError(
            f"The canary loop pushes over HTTP, and slipway:gitops.repository is {gitops.repository!r}.",
            "Name the repository by its address with https://.",
        )
    if not gitops.credentials:
        raise UsageError(
            f"slipway:gitops.repository is {gitops.repository}, where the canary loop has no account to push with.",
            _REMEDY,
        )
    return _found(target, gitops)


def line(url: str, user: str, password: str) -> str:
    """A line of Git's credential store for the host of a repository (git-credential-store(1), storage format)."""
    where = urlsplit(url)
    return f"{where.scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{where.netloc.rpartition('@')[2]}\n"


def _found(target: SplitResult, gitops: GitOps) -> Account:
    path = Path(gitops.credentials).expanduser()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"slipway:gitops.credentials is {path}, which cannot be read: {error}.", _REMEDY) from None
    host = target.netloc.rpartition("@")[2]
    for entry in map(urlsplit, lines):
        if (entry.scheme, entry.netloc.rpartition("@")[2]) != (target.scheme, host):
            continue
        if entry.username and entry.password:
            return Account(gitops.repository, unquote(entry.username), unquote(entry.password))
    raise UsageError(f"{path} has no line {target.scheme}://USER:<TOKEN>@{host}.", _REMEDY)
