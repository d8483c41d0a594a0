"""A small monorepo with environments and a bare repository that stands for the platform's Git."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slipway.adapters.forge import Forge, PlainGit
from slipway.adapters.git import Remote
from slipway.promotion.change import Change, Described
from slipway.promotion.promote import Means
from slipway.release.record import Published
from tests.conftest import MODEL, ROOT

RELEASES = tuple(character * 64 for character in "abc")
IMAGES = tuple(f"sha256:{character * 64}" for character in "123")
# Each release in an image of its own, by its digest.
PUBLISHED = {release: Published(release=release, image=image) for release, image in zip(RELEASES, IMAGES, strict=True)}
IDENTITY = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")


def git(top: Path, *arguments: str) -> str:
    """Run Git in ``top`` and return what it prints."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    done = subprocess.run(["git", *IDENTITY, *arguments], cwd=top, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@dataclass(frozen=True)
class ToyPlatform:
    """The clone in ``top`` and its remote ``platform``."""

    top: Path
    bare: Path

    def on(self, branch: str, path: str) -> str:
        """What a file of the remote's branch holds."""
        return git(self.bare, "show", f"{branch}:{path}")

    def branches(self) -> set[str]:
        """The remote's branches."""
        return set(git(self.bare, "for-each-ref", "--format=%(refname:short)", "refs/heads").split())

    def commit(self, branch: str) -> str:
        """The commit of the remote's branch."""
        return git(self.bare, "rev-parse", branch)

    def record(self, environment: str, branch: str = "main") -> str:
        """The release.yaml of an environment."""
        return self.on(branch, f"gitops/envs/{environment}/{MODEL}/release.yaml")

    def change_main(self, path: str, content: str) -> str:
        """Have somebody else commit to the remote's main, and return the commit."""
        other = self.top.parent / "other"
        shutil.rmtree(other, ignore_errors=True)
        git(self.top, "clone", "--quiet", str(self.bare), str(other))
        (other / path).parent.mkdir(parents=True, exist_ok=True)
        (other / path).write_text(content)
        git(other, "add", "--all")
        git(other, "commit", "--quiet", "--message=by somebody else")
        git(other, "push", "--quiet", "origin", "HEAD:main")
        return git(other, "rev-parse", "HEAD")


def make(folder: Path, champion: str = "champion: null\nchallenger: null\n") -> ToyPlatform:
    """Make one below ``folder``; production's record is ``champion``, staging's is empty."""
    top, bare = folder / "clone", folder / "platform.git"
    (top / "models" / MODEL).mkdir(parents=True)
    (top / "models" / MODEL / "__init__.py").touch()
    (top / "params.yaml").write_text("models: {}\n")
    shutil.copytree(ROOT / "gitops/keys", top / "gitops/keys")
    for environment, record in (("staging", "champion: null\nchallenger: null\n"), ("production", champion)):
        home = top / "gitops/envs" / environment / MODEL
        home.mkdir(parents=True)
        for file in ("settings.yaml", "canary.yaml"):
            shutil.copy(ROOT / "gitops/envs" / environment / MODEL / file, home)
        (home / "release.yaml").write_text(record)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(top, "init", "--quiet", "--initial-branch=main")
    git(top, "config", "user.name", "Somebody")
    git(top, "config", "user.email", "somebody@example.org")
    git(top, "remote", "add", "platform", str(bare))
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "--message=begin")
    git(top, "push", "--quiet", "platform", "main")
    return ToyPlatform(top, bare)


def describe(change: Change) -> Described:
    """A short description with one picture, of a release that there is nothing else of."""
    picture = b'<svg xmlns="http://www.w3.org/2000/svg"/>\n'
    return Described(
        lambda shown: f"# {change.asked.release[:12]}\n\nSeen at {shown('one.svg')}.\n", {"one.svg": picture}
    )


def means(remote: Remote, image: Callable[[], str], forge: Forge | None = None) -> Means:
    """By what a toy release is promoted."""
    return Means(remote, forge or PlainGit(), image, describe)


def platform_record(file: Path, push_url: str) -> Path:
    """Write a platform.json whose registry is at ``push_url``."""
    content = {
        "registry": {"prefix": "registry.slipway.internal", "push_url": push_url},
        "git": {"url": "http://127.0.0.1:1/platform.git"},
    }
    file.write_text(json.dumps(content))
    return file
