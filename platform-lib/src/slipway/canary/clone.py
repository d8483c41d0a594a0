"""The loop's own clone of the platform's Git: a cache, which may vanish or break at any time and is made anew then."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from slipway.adapters.git import Committer, GitFault, Remote, RemoteAway

_NAME = "origin"


@dataclass(frozen=True)
class Clone:
    """A bare clone.

    Attributes:
        folder: where it is; its content is the clone's alone.
        url: of the remote.
        credentials: a file as `git credential-store` keeps it, read at each call; None for a remote that asks for none.
        committer: who commits.
    """

    folder: Path
    url: str
    credentials: Path | None
    committer: Committer

    def remote(self) -> Remote:
        """The remote, by a clone that is there.

        Raises:
            GitFault: when the folder cannot be written to.
        """
        if not (self.folder / "config").is_file():
            self._make()
        return Remote(self.folder, _NAME, self.committer)

    def tips(self, *names: str) -> list[str | None]:
        """The commits of the remote's refs, fetched; None for one that the remote has not.

        Raises:
            RemoteAway: when the remote cannot be reached.
            GitFault: when the clone was broken; it is gone now, and made anew by the next call.
        """
        try:
            return self.remote().refs(*names)
        except (GitFault, OSError) as error:
            if isinstance(error, RemoteAway) and self._is_sound():
                raise
            shutil.rmtree(self.folder, ignore_errors=True)
            raise GitFault(f"The clone in {self.folder} is broken: {error}", "It is made anew.") from error

    def _is_sound(self) -> bool:
        done = subprocess.run(["git", "rev-parse", "--git-dir"], cwd=self.folder, capture_output=True, check=False)
        return done.returncode == 0

    def _make(self) -> None:
        settings = {f"remote.{_NAME}.url": self.url, f"remote.{_NAME}.fetch": "+refs/heads/*:refs/heads/*"}
        settings |= {"gc.auto": "0", "maintenance.auto": "false"} | self._helper()
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".clone-", dir=self.folder.parent) as scratch:
                made = Path(scratch) / "clone.git"
                self._run("init", "--quiet", "--bare", str(made))
                for name, value in settings.items():
                    self._run("config", "--file", str(made / "config"), name, value)
                shutil.rmtree(self.folder, ignore_errors=True)
                made.rename(self.folder)
        except OSError as error:
            raise GitFault(
                f"No clone can be made in {self.folder}: {error}.", "Name a folder that can be written to."
            ) from error

    def _helper(self) -> dict[str, str]:
        if self.credentials is None:
            return {}
        # `store` itself would write to the file, which is a Secret's, once a password was taken or refused.
        # By the name that was given: a mounted Secret is a link to a folder that is another after each change or start.
        file = shlex.quote(str(self.credentials.absolute()))
        return {"credential.helper": f'!f() {{ test "$1" = get && git credential-store --file {file} get; }}; f'}

    @staticmethod
    def _run(*arguments: str) -> None:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise GitFault(f"Git makes no clone: {done.stderr.strip()}", "See whether the disk is full.")
