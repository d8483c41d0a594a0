"""A monorepo with canary.yaml in it, whose production runs a champion and gets a challenger."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from slipway.adapters.git import Remote
from slipway.adapters.kube import Cluster
from slipway.release.record import Record
from slipway.rendering import render
from tests import toy_platform
from tests.conftest import MODEL, ROOT
from tests.fake_kubernetes import FakeKubernetes
from tests.toy_platform import PUBLISHED, RELEASES, ToyPlatform, git

CHAMPION, CHALLENGER, NEXT = RELEASES
BEGIN = 1_790_000_000


def record(weight: int | None = None, release: str = CHALLENGER, champion: str = CHAMPION) -> dict[str, object]:
    """What a release.yaml holds; without a weight there is no challenger."""
    challenger = None if weight is None else {**PUBLISHED[release].model_dump(), "weight": weight}
    return {"champion": PUBLISHED[champion].model_dump(), "challenger": challenger, "rejected": []}


@dataclass(frozen=True)
class Toy:
    """The platform, and a clone of it that somebody else works in."""

    platform: ToyPlatform
    other: Path

    @property
    def remote(self) -> Remote:
        """As the clone has it, with the remote's main fetched."""
        found = Remote(self.platform.top, "platform")
        found.branch("main")
        return found

    @property
    def main(self) -> str:
        """The commit of the remote's main."""
        return self.platform.commit("main")

    def held(self, environment: str = "production") -> Record:
        """The remote's release.yaml."""
        return Record.parse(self.platform.record(environment).encode(), "release.yaml")

    def commit(
        self, content: object, message: str = "by hand", at: int = BEGIN, environment: str = "production"
    ) -> str:
        """Have somebody write a release.yaml (rendered, if it can be) and push it at ``at`` seconds; the commit."""
        git(self.other, "pull", "--quiet", "--rebase", "origin", "main")
        home = self.other / "gitops/envs" / environment / MODEL
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        (home / "release.yaml").write_text(text)
        if not isinstance(content, str):
            render.write(environment, MODEL, self.other)
        return self.push(message, at)

    def push(self, message: str, at: int = BEGIN) -> str:
        """Commit and push what somebody has changed."""
        git(self.other, "add", "--all")
        git(self.other, "-c", "core.hooksPath=/dev/null", "commit", "--quiet", "--allow-empty", f"--message={message}")
        return self.amend(at)

    def amend(self, at: int) -> str:
        """Push the newest commit as one of ``at`` seconds."""
        self.dated(at)
        git(self.other, "push", "--quiet", "origin", "HEAD:main")
        return git(self.other, "rev-parse", "HEAD")

    def redate(self, at: int) -> str:
        """Have main's newest commit, which may be the loop's, be one of ``at`` seconds: its clock is the machine's."""
        self.dated(at)
        git(self.other, "push", "--quiet", "--force", "origin", "HEAD:main")
        return git(self.other, "rev-parse", "HEAD")

    def dated(self, at: int) -> None:
        """Make the newest commit one of ``at`` seconds."""
        dated = f"!GIT_COMMITTER_DATE='{at} +0000' git commit --quiet --amend --no-edit --allow-empty"
        git(self.other, "-c", f"alias.dated={dated}", "dated")


@pytest.fixture
def kubernetes() -> Iterator[FakeKubernetes]:
    with FakeKubernetes() as running:
        yield running


@pytest.fixture
def cluster(kubernetes: FakeKubernetes, tmp_path: Path) -> Iterator[Cluster]:
    found = Cluster(kubernetes.kubeconfig(tmp_path / "kubeconfig"))
    yield found
    found.close()


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return make(tmp_path)


def make(folder: Path) -> Toy:
    """A platform below ``folder`` whose production runs CHAMPION."""
    platform = toy_platform.make(folder)
    other = folder / "somebody"
    git(folder, "clone", "--quiet", str(platform.bare), str(other))
    for environment in ("staging", "production"):
        source = ROOT / "gitops/envs" / environment / MODEL / "canary.yaml"
        shutil.copy(source, other / "gitops/envs" / environment / MODEL)
    found = Toy(platform, other)
    found.commit(record(), "the first champion", BEGIN - 1000)
    return found


Challenge = Callable[..., str]
