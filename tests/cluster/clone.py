"""A clone of the platform's monorepo, in which Git and Slipway are run as people run them."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slipway.release.record import Published, Record
from tests.cluster.platform import Platform
from tests.conftest import MODEL, ROOT
from tests.toy_platform import IDENTITY

REMOTE = "platform"
_WHO = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Tests"), ("EMAIL", "tests@example.org"))
}


@dataclass(frozen=True)
class Clone:
    """The platform, and the clone in ``top``."""

    platform: Platform
    top: Path

    @classmethod
    def make(cls, platform: Platform, top: Path) -> Clone:
        """Clone the platform's main into ``top``."""
        url = platform.record["git"]["url"]
        helper = f"credential.helper=store --file={platform.file.parent / 'git-credentials'}"
        platform.run("git", "-c", helper, "clone", "--quiet", f"--origin={REMOTE}", "-c", helper, url, str(top))
        (top / "releases" / MODEL).mkdir(parents=True)
        return cls(platform, top)

    def git(self, *arguments: str) -> str:
        """What Git says. Raises AssertionError with what it complains of."""
        done = subprocess.run(["git", *IDENTITY, *arguments], cwd=self.top, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def slipway(self, *arguments: str) -> str:
        """Standard output of slipway, run in the clone. Raises AssertionError with what it complains of."""
        return self._run(str(ROOT / ".venv/bin/slipway"), *arguments)

    def shell(self, command: str) -> str:
        """What a command line says. Raises AssertionError with what it complains of."""
        return self._run("bash", "-c", command)

    def _run(self, *command: str) -> str:
        env = {**self.platform.environment, **_WHO}
        done = subprocess.run(command, cwd=self.top, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def asked(self, *arguments: str) -> dict[str, Any]:
        """What slipway answers with --json."""
        found: dict[str, Any] = json.loads(self.slipway(*arguments, "--json"))
        return found

    def hold(self, release: Path) -> None:
        """Let the clone have a release that lies elsewhere."""
        (self.top / "releases" / MODEL / release.name).symlink_to(release)

    def pull(self) -> None:
        """Be where the platform's main is, and forget what was never pushed."""
        self.git("fetch", "--quiet", REMOTE, "main")
        self.git("reset", "--quiet", "--hard", "FETCH_HEAD")

    def push(self, message: str) -> str:
        """Render, commit all that was changed, and push; the commit."""
        self.slipway("render")
        self.git("add", "--all", "gitops")
        self.git("commit", "--quiet", f"--message={message}")
        self.git("push", "--quiet", REMOTE, "HEAD:main")
        return self.git("rev-parse", "HEAD")

    def install(self, environment: str, champion: Published) -> None:
        """Have an environment run ``champion`` and nothing else, as who may push to main can: by hand, no roll-out."""
        self.pull()
        file = self.top / "gitops/envs" / environment / MODEL / "release.yaml"
        held = Record.read(file)
        wanted = Record(champion=champion, challenger=None, rejected=held.rejected)
        if held != wanted:
            wanted.write(file)
            self.push(f"Let {environment} run {champion.release[:12]} in image {champion.image}")
