"""A copy of the monorepo in a temporary folder, so that no data or result of the clone is touched or trusted.

The main environment is the clone's own, and gains bytecode by it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process import Run, run
from slipway import project
from slipway.errors import EnvironmentFault
from slipway.files import read_yaml
from slipway.progress import step

DVC = (sys.executable, "-m", "dvc")
_ENVIRONMENT_OF_STAGE = re.compile(r"--project (\S+)")


@dataclass(frozen=True)
class Workspace:
    """A copy of the monorepo, a Git repository of its own, with its own DVC cache and warm environments.

    Attributes:
        folder: the copy's top.
        environment: of the processes that run in it.
        models: names of the models whose pipeline it runs.
    """

    folder: Path
    environment: dict[str, str]
    models: tuple[str, ...]

    def install(self) -> None:
        """Install the environments that stages run in besides the main one."""
        for part in sorted(set(_ENVIRONMENT_OF_STAGE.findall((self.folder / "dvc.yaml").read_text()))):
            with step(f"installing {part} (from uv's cache where it is warm)"):
                run(["uv", "sync", "--quiet", "--locked", "--project", part], self.folder, self.environment)

    def reset(self) -> None:
        """Back to a fresh clone: no data, no results, no DVC cache or state; environments and bytecode stay."""
        _git(self.folder, "checkout", "--quiet", "--", ".")
        _git(self.folder, "clean", "-xdfq", "--exclude=.venv", "--exclude=__pycache__")
        shutil.rmtree(self.environment["DVC_SITE_CACHE_DIR"], ignore_errors=True)

    def repro(self) -> Run:
        """Run every stage that has something to do."""
        return run([*DVC, "repro"], self.folder, self.environment)

    def judging(self, model: str) -> dict[str, list[str]]:
        """By name, the command of each stage that passes verdicts on ``model``."""
        stages = read_yaml(self.folder / "dvc.yaml")["stages"]
        return {
            name: shlex.split(entry["do"]["cmd"].replace("${key}", model))
            for name, entry in stages.items()
            if any("/verdicts/" in out for out in entry["do"]["outs"])
        }

    def stage(self, command: Sequence[str]) -> Run:
        """Run a stage's own command, without DVC."""
        return run(command, self.folder, self.environment)

    def module(self, name: str, *arguments: str) -> Run:
        """Run a module of this package in a process of its own."""
        return run([sys.executable, "-m", f"benchmarks.{name}", *arguments], self.folder, self.environment)

    def releases(self) -> dict[str, str]:
        """The digest of each model's release."""
        found = {}
        for model in self.models:
            manifests = list((self.folder / project.ModelPaths(model).releases).glob("*/manifest.json"))
            if len(manifests) != 1:
                raise EnvironmentFault(f"The run left {len(manifests)} releases of {model}; exactly one was expected.")
            found[model] = manifests[0].parent.name
        return found


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="slipway-benchmarks-") as folder:
        yield Path(folder)


def copy(top: Path, scratch: Path) -> Workspace:
    """Copy what Git would commit of the monorepo at ``top`` into ``scratch``."""
    folder = scratch / "monorepo"
    with step("copying the monorepo"):
        listed = _git(top, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
        for name in filter(None, listed.split("\0")):
            if (top / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(top / name, folder / name)
        _git(folder, "init", "--quiet")
        _git(folder, "add", "--all")
    return Workspace(folder, _environment(folder, scratch), tuple(project.model_names()))


def _environment(folder: Path, scratch: Path) -> dict[str, str]:
    """The caller's, but with the copy's library before the installed one, and DVC's state in ``scratch``."""
    programs = str(Path(sys.executable).parent)
    # Where Python may keep no bytecode, every process compiles every import: that is no warm environment.
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return inherited | {
        "PATH": os.pathsep.join((programs, os.environ.get("PATH", ""))),
        "PYTHONPATH": str(folder / "platform-lib" / "src"),
        "DVC_SITE_CACHE_DIR": str(scratch / "dvc-site"),
        "DVC_NO_ANALYTICS": "1",
        "UV_SYSTEM_CERTS": "true",  # as in the Makefile
    }


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EnvironmentFault(
            f"`git {arguments[0]}` failed in {folder}: {done.stderr.strip()}",
            "Benchmarks copy what Git lists; run them in a clone.",
        )
    return done.stdout
