"""The first content of the platform's repositories: the user's own commits, and upstream's manifests."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from infra.builds import manifests
from infra.errors import PlatformError

BRANCH = "main"
_FIXED = {
    "GIT_AUTHOR_NAME": "slipway",
    "GIT_AUTHOR_EMAIL": "slipway@localhost",
    "GIT_AUTHOR_DATE": "2000-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "slipway",
    "GIT_COMMITTER_EMAIL": "slipway@localhost",
    "GIT_COMMITTER_DATE": "2000-01-01T00:00:00Z",
}
"""So that the same tree is the same commit, on every machine and every day."""
_HELPER = '!f() { test "$1" = get && echo "username=$SLIPWAY_GIT_USER" && echo "password=$SLIPWAY_GIT_PASSWORD"; }; f'


class SeedProvider(ResourceProvider):
    """Gives the repository of the platform its first commits, and leaves it alone from then on: it is the user's."""

    def create(self, props: Mapping[str, Any]) -> CreateResult:
        """Push the clone's HEAD, unless the branch is there already."""
        if head_of(props["url"]) is None:
            clone = Path(props["clone"])
            push(clone, _head(clone), props)
        return CreateResult(props["url"], dict(props))

    def diff(self, _id: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        """Another server is another repository. A newer HEAD is not pushed: that is what `git push platform` is for."""
        moved = olds["url"] != news["url"]
        return DiffResult(changes=moved, replaces=["url"] if moved else [])

    def read(self, id_: str, props: Mapping[str, Any]) -> ReadResult:
        """Whether the branch is there, as far as the server answers."""
        found = _found(props)
        return ReadResult(id_, dict(props)) if found else ReadResult("", {})


class Seed(Resource):
    """The platform's repository, begun with the user's HEAD."""

    def __init__(
        self, name: str, clone: Path, target: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__(SeedProvider(), name, {"clone": str(clone), **target}, opts)


class UpstreamProvider(ResourceProvider):
    """Keeps the repository of upstream's manifests at exactly one commit, made of the pinned modules."""

    def create(self, props: Mapping[str, Any]) -> CreateResult:
        """Push the commit."""
        return CreateResult(props["url"], _publish(props))

    def diff(self, _id: str, olds: Mapping[str, Any], news: Mapping[str, Any]) -> DiffResult:
        """Another pin, or something else on the branch."""
        moved = olds["url"] != news["url"]
        drifted = olds.get("found", olds["commit"]) != olds["commit"]
        changed = moved or drifted or olds["key"] != news["key"]
        return DiffResult(changes=changed, replaces=["url"] if moved else [])

    def update(self, _id: str, _olds: Mapping[str, Any], news: Mapping[str, Any]) -> UpdateResult:
        """Push the commit of the pins as they are now."""
        return UpdateResult(_publish(news))

    def read(self, id_: str, props: Mapping[str, Any]) -> ReadResult:
        """What the branch is at, as far as the server answers."""
        found = _found(props)
        return ReadResult(id_, {**props, "found": found}) if found else ReadResult("", {})


class Upstream(Resource):
    """The repository of upstream's manifests."""

    commit: pulumi.Output[str]

    def __init__(
        self, name: str, key: str, target: Mapping[str, pulumi.Input[str]], opts: pulumi.ResourceOptions
    ) -> None:
        """`key` names the tree by its pins, so that it need not be made to see that nothing has changed."""
        super().__init__(UpstreamProvider(), name, {"key": key, "commit": None, "found": None, **target}, opts)


def head_of(url: str) -> str | None:
    """The commit of the branch, or None where there is none yet.

    Raises:
        PlatformError: the server does not answer
    """
    return _git(["ls-remote", url, f"refs/heads/{BRANCH}"], Path("/")).partition("\t")[0] or None


def _found(props: Mapping[str, Any]) -> str | None:
    """The commit of the branch; of a server that does not answer, the last known, for its own drift says it all."""
    try:
        return head_of(props["url"])
    except PlatformError:
        return str(props.get("found", "unknown"))


def commit_of(tree: Path, repository: Path) -> str:
    """Make one commit of a folder in a bare repository, the same for the same content. Returns its name."""
    _git(["init", "--quiet", "--bare", str(repository)], tree)
    where = {"GIT_DIR": str(repository), "GIT_WORK_TREE": str(tree), "GIT_INDEX_FILE": str(repository / "index")}
    # Neither ignored files nor line ends are to depend on who runs this.
    _git(["-c", "core.autocrlf=false", "-c", "core.fileMode=true", "add", "--all", "--force"], tree, where)
    written = _git(["write-tree"], tree, where).strip()
    return _git(["commit-tree", written, "-m", "Upstream's manifests, as pinned"], tree, where | _FIXED).strip()


def push(repository: Path, commit: str, target: Mapping[str, Any], *, force: bool = False) -> None:
    """Push a commit to the branch; the password reaches Git by its environment, and no command line."""
    password = {"SLIPWAY_GIT_USER": target["user"], "SLIPWAY_GIT_PASSWORD": target["password"]}
    helpers = ["-c", "credential.helper=", "-c", f"credential.helper={_HELPER}"]
    sign = "+" if force else ""
    _git([*helpers, "push", "--quiet", target["url"], f"{sign}{commit}:refs/heads/{BRANCH}"], repository, password)


def _publish(props: Mapping[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        tree, repository = Path(folder) / "tree", Path(folder) / "upstream.git"
        manifests.write(tree)
        commit = commit_of(tree, repository)
        if head_of(props["url"]) != commit:
            push(repository, commit, props, force=True)
    return {**{name: props[name] for name in ("key", "url", "user", "password")}, "commit": commit, "found": commit}


def _head(clone: Path) -> str:
    try:
        return _git(["rev-parse", "--verify", "HEAD^{commit}"], clone).strip()
    except PlatformError:
        raise PlatformError(
            f"{clone} has no commit that could be deployed.", "Make it a Git repository with at least one commit."
        ) from None


def _git(arguments: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> str:
    variables = os.environ | {"GIT_TERMINAL_PROMPT": "0"} | dict(environment or {})
    run = subprocess.run(
        ["git", *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=600
    )
    if run.returncode:
        words = [word for word in arguments if not word.startswith(("-", "credential."))]
        raise PlatformError(
            f"git {' '.join(words[:2])} failed: {run.stderr.strip()[-600:]}",
            "See that the platform's Git server runs (namespace slipway-git), and run the same again.",
        )
    return run.stdout
