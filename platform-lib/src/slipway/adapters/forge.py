"""A forge: where changes to the monorepo are proposed and talked about. A plain Git remote has branches alone.

:class:`Forge` is what promotion and the canary loop ask of one; :mod:`slipway.adapters.github` is GitHub. Whatever a
forge does it may be asked for twice: what is there already is left, or brought up to date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from slipway.adapters import github
from slipway.adapters.git import Remote
from slipway.adapters.github import GitHub, PullRequest
from slipway.errors import UsageError

NAMES = ("auto", "github", "git")


class Forge(Protocol):
    """Pull requests and issues of one repository.

    Attributes:
        has_requests: whether there are such things.
    """

    @property
    def has_requests(self) -> bool: ...

    def check(self) -> None:
        """See that pull requests can be written, before anything is pushed.

        Raises:
            ForgeFault: saying why not.
        """

    def requests(self, room: str) -> list[PullRequest]:
        """The open pull requests whose branches begin with ``room``."""

    def propose(self, branch: str, title: str, body: str) -> PullRequest | None:
        """Open the pull request of a branch into main, or bring it up to date; None where there is no such thing."""

    def close(self, request: PullRequest, comment: str) -> None:
        """Close a pull request and say why."""

    def open_issue(self, title: str, body: str) -> str | None:
        """Open an issue, unless an open one has the title; its URL, or None where there is no such thing."""

    def picture(self, commit: str, name: str) -> str | None:
        """The URL at which a page of the forge shows a picture in a commit; None where nothing shows any."""


@dataclass(frozen=True)
class PlainGit:
    """No forge: a branch is all that there is of a proposal, and its commit says what a pull request would."""

    has_requests = False

    def check(self) -> None:
        return

    def requests(self, room: str) -> list[PullRequest]:
        return []

    def propose(self, branch: str, title: str, body: str) -> PullRequest | None:
        return None

    def close(self, request: PullRequest, comment: str) -> None:
        return

    def open_issue(self, title: str, body: str) -> str | None:
        return None

    def picture(self, commit: str, name: str) -> str | None:
        return None


def choose(remote: Remote, name: str = "auto") -> Forge:
    """The forge of a remote.

    Args:
        remote: whose URL says where it is.
        name: "github" or "git"; "auto" takes GitHub where the URL leads there, and plain Git elsewhere.

    Raises:
        UsageError: for another name, and for "github" where neither the URL nor GH_REPO names a repository.
    """
    if name not in NAMES:
        raise UsageError(f"There is no forge {name!r}.", f"There are {', '.join(NAMES)}.")
    found = github.repository(remote.url())
    if name == "git" or (name == "auto" and (found is None or not found.startswith("github.com/"))):
        return PlainGit()
    return GitHub(github.named(found), remote.top)
