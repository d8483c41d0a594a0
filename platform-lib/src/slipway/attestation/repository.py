"""The monorepo's Git, as far as lineage needs it: read, never written."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from slipway.errors import EnvironmentFault

_NEWEST = 30


@dataclass(frozen=True)
class Repository:
    """A clone, by its top folder."""

    top: Path

    @property
    def exists(self) -> bool:
        """Whether the folder is under version control, with at least one commit."""
        return self._git("rev-parse", "--verify", "--quiet", "HEAD").returncode == 0

    def commits_of(self, path: str) -> list[str]:
        """HEAD, and before it the newest commits that changed ``path``."""
        log = self._out("log", f"--max-count={_NEWEST}", "--format=%H", "--", path).decode().split()
        return list(dict.fromkeys([self._out("rev-parse", "HEAD").decode().strip(), *log]))

    def commit(self, name: str) -> Commit | None:
        """The commit with this full hash, or None if this clone does not have it.

        Raises:
            EnvironmentFault: when Git cannot say, for its silence must not pass for "it does not have it".
        """
        if self._git("cat-file", "-e", f"{name}^{{commit}}").returncode == 0:
            return Commit(self, name)
        self._refuse_broken()
        return None

    def committed(self, path: str) -> bytes:
        """What the last commit has of ``path``; empty if it has no such file.

        Raises:
            EnvironmentFault: when Git cannot say.
        """
        if not self.exists:
            self._refuse_broken()
            return b""
        commit = Commit(self, self._out("rev-parse", "HEAD").decode().strip())
        return commit.read([path]).get(path, b"")

    @property
    def address(self) -> str | None:
        """Where the repository is cloned from, without any password; None if from this machine or nowhere."""
        url = self._git("config", "--get", "remote.origin.url").stdout.decode().strip()
        if re.fullmatch(r"[\w.-]+@[\w.-]+:.+", url):
            return "git+ssh://" + url.replace(":", "/", 1)
        scheme, separator, rest = url.partition("://")
        return f"git+{scheme}://{rest.rpartition('@')[2]}" if separator and scheme != "file" else None

    @property
    def identity(self) -> str:
        """Who Git says commits here: "Name <address>".

        Raises:
            EnvironmentFault: when Git does not know.
        """
        done = self._git("var", "GIT_AUTHOR_IDENT")
        if done.returncode != 0:
            raise EnvironmentFault(
                "Git does not know who you are.", "Tell it: git config user.name and git config user.email."
            )
        return done.stdout.decode().rpartition(">")[0] + ">"

    def _refuse_broken(self) -> None:
        """Raise if this is a clone that Git cannot read: another user's, one that is damaged, a wrong ``GIT_DIR``."""
        is_clone = "GIT_DIR" in os.environ or any(
            (folder / ".git").exists() for folder in (self.top, *self.top.parents)
        )
        if is_clone:
            self._out("rev-parse", "--git-dir")

    def _git(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(["git", *arguments], cwd=self.top, input=given, capture_output=True, check=False)
        except OSError as error:
            raise EnvironmentFault(f"git cannot be run: {error}.", "Install Git.") from error

    def _out(self, *arguments: str, given: bytes = b"") -> bytes:
        done = self._git(*arguments, given=given)
        if done.returncode != 0:
            raise EnvironmentFault(f"git {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}.")
        return done.stdout


@dataclass(frozen=True)
class Commit:
    """A commit, by its full hash."""

    repository: Repository
    name: str

    @property
    def time(self) -> datetime:
        """When it was committed, by the committer's clock."""
        seconds = self.repository._out("show", "--no-patch", "--format=%ct", self.name)
        return datetime.fromtimestamp(int(seconds), UTC)

    @cached_property
    def files(self) -> dict[str, str]:
        """Object name of each file, by its path."""
        entries = self.repository._out("ls-tree", "-r", "-z", "--full-tree", self.name).split(b"\0")
        pairs = (entry.split(b"\t", 1) for entry in entries if entry)
        return {path.decode(): about.split()[2].decode() for about, path in pairs}

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """Content of each of ``paths``; those that the commit does not have are left out."""
        wanted = [path for path in paths if path in self.files]
        asked = "".join(f"{self.files[path]}\n" for path in wanted).encode()
        answer = memoryview(self.repository._out("cat-file", "--batch", given=asked))
        found, place = {}, 0
        for path in wanted:
            end = place + bytes(answer[place : place + 200]).index(b"\n")
            size = int(bytes(answer[place:end]).split()[2])
            found[path] = bytes(answer[end + 1 : end + 1 + size])
            place = end + 1 + size + 1
        return found
