"""A remote of the user's clone, and commits on top of it, without touching what the user works on.

A commit is made in a temporary worktree of the clone, so that Git's configuration, credentials and signing keys are the
user's, while branches, index and working tree stay as they are. A killed run leaves the registration of a worktree
whose folder is gone; the next run has Git forget it.
"""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from slipway.errors import SlipwayError, UsageError

_SECONDS = 120
# Set within a hook; they would lead every call to the clone that the hook runs in.
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")


class GitFault(SlipwayError):
    """Git, or the remote, does not do what it is asked to."""

    exit_code = 3


class RemoteMoved(GitFault):
    """The remote's branch is not where it was when the commit was made."""


@dataclass(frozen=True)
class Remote:
    """A remote of the clone at ``top``.

    Attributes:
        name: of the remote as the clone knows it, or a URL.
    """

    top: Path
    name: str

    def branch(self, name: str) -> str | None:
        """The commit of the remote's branch, fetched; None if the remote has no such branch.

        Raises:
            UsageError: when the clone knows no such remote.
            GitFault: when the remote cannot be reached.
        """
        if "/" not in self.name and self._git("remote", "get-url", self.name).returncode != 0:
            known = ", ".join(self._out("remote").split()) or "none"
            raise UsageError(
                f"This clone has no remote {self.name!r}; it has {known}.",
                f"Add it: `git remote add {self.name} URL`, or name another with --remote.",
            )
        listed = self._remotely("ls-remote", self.name, f"refs/heads/{name}").split()
        if not listed:
            return None
        self._remotely("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self.name, f"refs/heads/{name}")
        return listed[0]

    def related(self, commit: str) -> bool:
        """Whether ``commit`` and what is checked out here have a history in common."""
        return self._git("merge-base", "HEAD", commit).returncode == 0

    def difference(self, old: str, new: str) -> list[str]:
        """The paths that differ between two commits."""
        return self._out("diff", "--name-only", "--no-renames", old, new).splitlines()

    def parents(self, commit: str) -> list[str]:
        """The parents of a commit."""
        return self._out("rev-parse", f"{commit}^@").split()

    @contextmanager
    def worktree(self, commit: str) -> Iterator[Path]:
        """A folder with the files of ``commit``, for as long as the block takes."""
        self._git("worktree", "prune")
        with tempfile.TemporaryDirectory(prefix="slipway-") as scratch:
            folder = Path(scratch) / "worktree"
            self._out("worktree", "add", "--quiet", "--detach", str(folder), commit)
            try:
                yield folder
            finally:
                self._git("worktree", "remove", "--force", str(folder))

    def commit(self, worktree: Path, paths: Sequence[Path], message: str) -> str:
        """Commit what ``paths`` are in a worktree, and nothing else; the new commit.

        Hooks do not run: they would judge the whole monorepo, in a folder without its environment.
        """
        inside = Remote(worktree, self.name)
        inside._out("add", "--all", "--", *map(str, paths))
        inside._out(*inside._author(), "-c", "core.hooksPath=/dev/null", "commit", "--quiet", f"--message={message}")
        return inside._out("rev-parse", "HEAD").strip()

    def push(self, updates: Sequence[tuple[str | None, str, str | None]]) -> None:
        """Set branches of the remote, all or none.

        Args:
            updates: commit (None to delete the branch), branch, and the commit that the branch must have before (None
                for no such branch).

        Raises:
            RemoteMoved: when a branch has another commit meanwhile.
        """
        leases = [f"--force-with-lease=refs/heads/{branch}:{before or ''}" for _, branch, before in updates]
        refs = [f"{commit or ''}:refs/heads/{branch}" for commit, branch, _ in updates]
        done = self._git("push", "--quiet", "--atomic", "--no-verify", *leases, self.name, *refs)
        if done.returncode == 0:
            return
        if "[rejected]" in done.stderr or "stale info" in done.stderr or "cannot lock ref" in done.stderr:
            raise RemoteMoved(
                f"{self.name} has other commits on {', '.join(branch for _, branch, _ in updates)} meanwhile.",
                "Run the same command again: it begins from what is there now.",
            )
        raise _away(self.name, done.stderr)

    def versions(self, commit: str, path: Path) -> Iterator[str]:
        """What the file ``path`` held at ``commit`` and before, a text for each change, the newest first.

        Of merges the first parent is followed: that is what a branch was, whatever was tried beside it.
        """
        changes = self._out(
            "log", "--first-parent", "--diff-merges=first-parent", "--format=%H", commit, "--", str(path)
        )
        for change in changes.split():
            shown = self._git("show", f"{change}:{path}")
            if shown.returncode == 0:
                yield shown.stdout

    def shallow(self) -> bool:
        """Whether the clone lacks history that the remote has."""
        return self._out("rev-parse", "--is-shallow-repository").strip() == "true"

    def _author(self) -> list[str]:
        """Options that name who commits, where Git has not been told: a fresh machine is to come up unattended."""
        if self._git("var", "GIT_COMMITTER_IDENT").returncode == 0:
            return []
        name = getpass.getuser()
        return ["-c", f"user.name={name}", "-c", f"user.email={name}@{socket.gethostname()}"]

    def _out(self, *arguments: str) -> str:
        done = self._git(*arguments)
        if done.returncode != 0:
            raise GitFault(f"Git cannot go on: {done.stderr.strip()}", "Mend that, and run the same command again.")
        return done.stdout

    def _remotely(self, *arguments: str) -> str:
        done = self._git(*arguments)
        if done.returncode != 0:
            raise _away(self.name, done.stderr)
        return done.stdout

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Nobody is there to be asked for a password, and messages are read.
        env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        for name in _ELSEWHERE:
            env.pop(name, None)
        try:
            return subprocess.run(
                ["git", *arguments],
                cwd=self.top,
                env=env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            said = f"`git {' '.join(arguments)}` did not end within {_SECONDS} s."
            raise GitFault(said, "See whether the remote answers.") from error


def _away(remote: str, said: str) -> GitFault:
    lines = [line for line in said.strip().splitlines() if line.strip()]
    return GitFault(
        f"The remote {remote} does not answer as it should: {lines[-1] if lines else 'no reason given'}.",
        "See whether it is there (`make platform-status` for the local one) and whether you may write to it.",
    )
