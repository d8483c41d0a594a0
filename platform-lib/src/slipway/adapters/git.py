"""A remote of the user's clone, and commits on top of it, without touching what the user works on.

A commit is made in a temporary worktree of the clone, so that Git's configuration, credentials and signing keys are the
user's, while branches, index and working tree stay as they are. A killed run leaves the registration of a worktree
whose folder is gone; the next run has Git forget it.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from slipway.errors import SlipwayError, UsageError

MAIN = "main"
_SECONDS = 120
# Where a clone keeps the remote's notes while it adds one.
_NOTES = "refs/notes/slipway/working"
# Of a commit: name, seconds, author, subject, body, trailers. NUL ends each, which alone no message can hold.
_FIELDS = ("%H", "%ct", "%an", "%s", "%b", "%(trailers:only=true,unfold=true)")
_LOGIN = re.compile(r"://[^\s/@]+@")
# What Git says of a symbolic link and of a submodule.
_LINKS = ("120000", "160000")
# Set within a hook; they would lead every call to the clone that the hook runs in.
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")


class GitFault(SlipwayError):
    """Git, or the remote, does not do what it is asked to; a password in a remote's URL is told to nobody."""

    exit_code = 3

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(unlocked(what), unlocked(remedy))


class RemoteAway(GitFault):
    """The remote cannot be reached, or does not take who asks."""


class RemoteMoved(GitFault):
    """The remote's branch is not where it was when the commit was made."""


@dataclass(frozen=True)
class Committer:
    """In whose name a program commits, not being a user's.

    Attributes:
        key: the file of the SSH private key that signs its commits, with the public one beside it or within; None for
            no signature.
    """

    name: str
    email: str
    key: Path | None = None

    def options(self) -> list[str]:
        """Options of Git that say so."""
        found = ["-c", f"user.name={self.name}", "-c", f"user.email={self.email}"]
        if self.key is None:
            return [*found, "-c", "commit.gpgSign=false"]
        signing = {"gpg.format": "ssh", "user.signingKey": str(self.key.absolute()), "commit.gpgSign": "true"}
        return [*found, *(part for name, value in signing.items() for part in ("-c", f"{name}={value}"))]


@dataclass(frozen=True)
class Commit:
    """A commit as the history of a branch has it.

    Attributes:
        at: when it was committed.
        who: its author's name.
        body: what the message says below its subject, without the trailers.
        trailers: what its last paragraph says, by key.
    """

    name: str
    at: datetime
    who: str
    subject: str
    body: str
    trailers: Mapping[str, str]


@dataclass(frozen=True)
class Remote:
    """A remote of the clone at ``top``.

    Attributes:
        name: of the remote as the clone knows it, or a URL.
        committer: who commits; None for the user, as Git knows it.
    """

    top: Path
    name: str
    committer: Committer | None = None

    def branch(self, name: str) -> str | None:
        """The commit of the remote's branch, fetched; None if the remote has no such branch.

        Raises:
            UsageError: when the clone knows no such remote.
            GitFault: when the remote cannot be reached.
        """
        self.check()
        return self.refs(f"refs/heads/{name}")[0]

    def main(self) -> str:
        """The commit of the remote's main, fetched.

        Raises:
            UsageError: when the clone knows no such remote.
            GitFault: when the remote cannot be reached, or has no main.
        """
        commit = self.branch(MAIN)
        if commit is None:
            raise GitFault(
                f"The remote {self.name} has no branch {MAIN}.", f"Push yours: `git push {self.name} {MAIN}`."
            )
        return commit

    def check(self) -> None:
        """Refuse a name that the clone knows no remote by.

        Raises:
            UsageError: naming those that it knows.
        """
        if "/" not in self.name and self._git("remote", "get-url", self.name).returncode != 0:
            known = ", ".join(self._out("remote").split()) or "none"
            raise UsageError(
                f"This clone has no remote {self.name!r}; it has {known}.",
                f"Add it: `git remote add {self.name} URL`, or name another with --remote.",
            )

    def refs(self, *names: str) -> list[str | None]:
        """The commits of the remote's refs, by their whole names, fetched; None for one that the remote has not.

        Raises:
            RemoteAway: when the remote cannot be reached.
        """
        listed = self.listed(*names)
        for name in names:
            if name in listed and self._git("cat-file", "-e", f"{listed[name]}^{{commit}}").returncode != 0:
                self._remotely("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", self.name, name)
        return [listed.get(name) for name in names]

    def files(self, commit: str, folder: Path) -> list[str]:
        """The paths of all files below a folder of a commit."""
        return self._out("ls-tree", "-r", "-z", "--name-only", commit, "--", f"{folder}/").split("\0")[:-1]

    def contents(self, objects: Sequence[str]) -> list[bytes | None]:
        """What files of commits hold, each named ``commit:path``; None for one that is not there."""
        found = self._told("cat-file", "--batch", given="\n".join([*objects, ""]).encode())
        return _batch(found, len(objects))

    def log(self, commit: str, path: Path, most: int | None = None) -> list[Commit]:
        """The commits of a branch, newest first, that changed ``path``; a merge counts as one, as the branch saw it."""
        form = "%x00".join(_FIELDS)
        count = [] if most is None else [f"--max-count={most}"]
        said = self._out("log", "-z", "--first-parent", *count, f"--format=tformat:{form}", commit, "--", str(path))
        fields = said.split("\0")[:-1]
        return [_commit(fields[start : start + len(_FIELDS)]) for start in range(0, len(fields), len(_FIELDS))]

    def related(self, commit: str) -> bool:
        """Whether ``commit`` and what is checked out here have a history in common."""
        return self._git("merge-base", "HEAD", commit).returncode == 0

    def difference(self, old: str, new: str) -> list[str]:
        """The paths that differ between two commits, whatever their names and whatever the clone's configuration."""
        return self._out("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new).split("\0")[:-1]

    def links(self, commit: str, folder: Path) -> list[str]:
        """The paths at and below ``folder`` that are no plain files in a commit: symbolic links and submodules."""
        # A folder's parents are told, too, if one of them is such a link.
        names = [str(it) for it in (folder, *folder.parents) if it != Path()]
        listed = self._out("ls-tree", "-z", commit, "--", *names) + self._out(
            "ls-tree", "-r", "-z", commit, str(folder)
        )
        entries = (entry.partition("\t") for entry in listed.split("\0")[:-1])
        return sorted({name for mode, _, name in entries if mode.split()[0] in _LINKS})

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
        inside = Remote(worktree, self.name, self.committer)
        inside._out("add", "--all", "--", *map(str, paths))
        options = [*inside._author(), "-c", "core.hooksPath=/dev/null"]
        done = inside._git(*options, "commit", "--quiet", f"--message={message}")
        if done.returncode != 0 and self.committer is not None and self.committer.key is not None:
            said = " ".join(done.stderr.split())
            raise GitFault(
                f"The commit cannot be signed with {self.committer.key}: {said}",
                "Name an SSH private key without a password.",
            )
        if done.returncode != 0:
            raise GitFault(f"Git cannot commit: {done.stderr.strip()}", "Mend that, and run the same command again.")
        return inside._out("rev-parse", "HEAD").strip()

    def note(self, notes: str | None, commit: str) -> str:
        """What people are told beside a commit, by ``notes``, a fetched commit of a ref of notes; empty for nothing."""
        if notes is None:
            return ""
        self._out("update-ref", _NOTES, notes)
        done = self._git("notes", f"--ref={_NOTES}", "show", commit)
        return done.stdout if done.returncode == 0 else ""

    def add_note(self, ref: str, notes: str | None, commit: str, text: str) -> None:
        """Add ``text`` to what stands beside a commit in the remote's ref of notes, which must be at ``notes``.

        Raises:
            RemoteMoved: when it has others meanwhile.
        """
        self._out("update-ref", *((_NOTES, notes) if notes is not None else ("-d", _NOTES)))
        self._out(*self._author(), "notes", f"--ref={_NOTES}", "append", f"--message={text}", commit)
        self.push_refs([(self._out("rev-parse", _NOTES).strip(), ref, notes)])

    def push(self, updates: Sequence[tuple[str | None, str, str | None]]) -> None:
        """Set branches of the remote, all or none.

        Args:
            updates: commit (None to delete the branch), branch, and the commit that the branch must have before (None
                for no such branch).

        Raises:
            RemoteMoved: when a branch has another commit meanwhile.
        """
        self.push_refs([(commit, f"refs/heads/{branch}", before) for commit, branch, before in updates])

    def push_refs(self, updates: Sequence[tuple[str | None, str, str | None]]) -> None:
        """Likewise, of refs by their whole names.

        Raises:
            RemoteMoved: when one has another commit meanwhile.
        """
        leases = [f"--force-with-lease={ref}:{before or ''}" for _, ref, before in updates]
        refs = [f"{commit or ''}:{ref}" for commit, ref, _ in updates]
        done = self._git("push", "--quiet", "--atomic", "--no-verify", *leases, self.name, *refs)
        if done.returncode == 0:
            return
        if "[rejected]" in done.stderr or "stale info" in done.stderr or "cannot lock ref" in done.stderr:
            raise RemoteMoved(
                f"{self.name} has other commits on {', '.join(_plain(ref) for _, ref, _ in updates)} meanwhile.",
                "Run the same command again: it begins from what is there now.",
            )
        raise _away(self.name, done.stderr)

    def url(self) -> str:
        """The remote's URL as the clone's configuration has it, before any of its rewriting."""
        return self._git("config", "--get", f"remote.{self.name}.url").stdout.strip() or self.name

    def listed(self, *patterns: str) -> dict[str, str]:
        """The remote's refs that fit globs of whole names, as refs/heads/promote/*, to their commits, not fetched.

        Raises:
            RemoteAway: when the remote cannot be reached.
        """
        lines = (line.split("\t") for line in self._remotely("ls-remote", self.name, *patterns).splitlines())
        return {name: commit for commit, name in lines}

    def sheet(self, files: Mapping[str, bytes], message: str) -> str:
        """A commit that stands by itself and holds ``files``; equal files and message give an equal commit."""
        blobs = {name: self._written("blob", content) for name, content in sorted(files.items())}
        listing = "".join(f"100644 blob {blob}\t{name}\n" for name, blob in blobs.items())
        tree = self._told("mktree", given=listing.encode()).decode().strip()
        who = "slipway <slipway@slipway.internal> 0 +0000"
        return self._written("commit", f"tree {tree}\nauthor {who}\ncommitter {who}\n\n{message}\n".encode())

    def _written(self, kind: str, content: bytes) -> str:
        return self._told("hash-object", "-t", kind, "-w", "--stdin", given=content).decode().strip()

    def resolve(self, name: str) -> str:
        """The commit that a name of the clone means, as origin/main or HEAD.

        Raises:
            UsageError: when it means none.
        """
        found = self._git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if found.returncode != 0:
            raise UsageError(f"This clone has no commit {name!r}.", "Fetch it, or name another: `git branch --all`.")
        return found.stdout.strip()

    def common(self, one: str, other: str) -> str:
        """The newest commit that two have in common.

        Raises:
            GitFault: when there is none.
        """
        found = self._git("merge-base", one, other)
        if found.returncode != 0:
            hint = " of which it lacks a part, being shallow" if self.shallow() else ""
            raise GitFault(
                f"{one[:12]} and {other[:12]} have no commit in common in this clone{hint}.",
                "Fetch the whole history: `git fetch --unshallow`, or name the branch that yours began on.",
            )
        return found.stdout.strip()

    def between(self, base: str, head: str) -> list[str]:
        """The commits that ``head`` has and ``base`` has not, the newest first."""
        return self._out("rev-list", f"{base}..{head}").split()

    def signature(self, commit: str, signers: Path) -> str | None:
        """What is wrong with a commit's signature by one of the allowed signers, in Git's words; None if nothing is.

        Args:
            commit: the commit.
            signers: the allowed ones, as in ssh-keygen(1), ALLOWED SIGNERS. Only SSH's signatures count.
        """
        options = ["-c", f"gpg.ssh.allowedSignersFile={signers.resolve()}", "-c", "gpg.minTrustLevel=fully"]
        head = self._run("cat-file", "commit", commit).stdout.partition(b"\n\n")[0]
        if b"\ngpgsig -----BEGIN SSH SIGNATURE-----" not in head:
            return "it has no SSH signature"
        done = self._git(*options, "verify-commit", commit)
        return None if done.returncode == 0 else done.stderr.strip().splitlines()[-1] or "Git does not accept it"

    def shallow(self) -> bool:
        """Whether the clone lacks history that the remote has."""
        return self._out("rev-parse", "--is-shallow-repository").strip() == "true"

    def _author(self) -> list[str]:
        """Options that name who commits, where Git has not been told: a fresh machine is to come up unattended."""
        if self.committer is not None:
            return self.committer.options()
        if self._git("var", "GIT_COMMITTER_IDENT").returncode == 0:
            return []
        name = getpass.getuser()
        return ["-c", f"user.name={name}", "-c", f"user.email={name}@{socket.gethostname()}"]

    def _out(self, *arguments: str) -> str:
        return self._told(*arguments).decode(errors="replace")

    def _told(self, *arguments: str, given: bytes = b"") -> bytes:
        done = self._run(*arguments, given=given)
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip()
            raise GitFault(f"Git cannot go on: {said}", "Mend that, and run the same command again.")
        return done.stdout

    def _remotely(self, *arguments: str) -> str:
        done = self._git(*arguments)
        if done.returncode != 0:
            raise _away(self.name, done.stderr)
        return done.stdout

    def _git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = self._run(*arguments)
        said = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(done.args, done.returncode, *said)

    def _run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        # Nobody is there to be asked for a password, and messages are read.
        env = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        for name in _ELSEWHERE:
            env.pop(name, None)
        command = ["git", *arguments]
        try:
            return subprocess.run(
                command, cwd=self.top, env=env, input=given, capture_output=True, check=False, timeout=_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            said = f"`git {' '.join(arguments)}` did not end within {_SECONDS} s."
            raise GitFault(said, "See whether the remote answers.") from error


def unlocked(text: str) -> str:
    """``text`` without the names and passwords that URLs in it hold."""
    return _LOGIN.sub("://", text)


def _plain(ref: str) -> str:
    return ref.removeprefix("refs/heads/")


def _commit(fields: list[str]) -> Commit:
    name, at, who, subject, body, trailers = fields
    pairs = (line.partition(": ") for line in trailers.splitlines())
    body = body.strip().removesuffix(trailers.strip()).strip()
    return Commit(
        name, datetime.fromtimestamp(int(at), UTC), who, subject, body, {key: value for key, _, value in pairs}
    )


def _batch(said: bytes, count: int) -> list[bytes | None]:
    """The answers of ``git cat-file --batch``: a line with kind and size, the content, and the end of a line."""
    found: list[bytes | None] = []
    for _ in range(count):
        head, _, said = said.partition(b"\n")
        *_, kind, size = head.rsplit(b" ", 2)
        if size == b"missing" or kind != b"blob":
            found.append(None)
            # What is no file is told in full, too.
            said = said if not size.isdigit() else said[int(size) + 1 :]
            continue
        found.append(said[: int(size)])
        said = said[int(size) + 1 :]
    return found


def _away(remote: str, said: str) -> GitFault:
    """What keeps the remote from answering; a lock that a killed Git has left is the clone's own trouble."""
    lines = [line for line in said.strip().splitlines() if line.strip()]
    if ".lock'" in said:
        return GitFault(f"Git cannot go on: {lines[-1]}", "Remove what a killed Git has left.")
    return RemoteAway(
        f"The remote {remote} does not answer as it should: {lines[-1] if lines else 'no reason given'}.",
        "See whether it is there (`make platform-status` for the local one) and whether you may write to it.",
    )
