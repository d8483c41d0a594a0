"""A DVC project that does nothing, with as many stages as the monorepo: what DVC itself costs."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from benchmarks.process import Run, run
from benchmarks.workspace import DVC, Workspace


def stage_count(workspace: Workspace) -> int:
    """The number of stages of the monorepo's dvc.yaml, once for every model."""
    return len(run([*DVC, "stage", "list", "--name-only"], workspace.folder, workspace.environment).output.split())


def definition(stages: int) -> dict[str, object]:
    """The content of dvc.yaml: a chain in which each stage copies one small file."""
    return {
        "stages": {
            f"stage{number}": {
                "cmd": f"cp {number - 1}.txt {number}.txt",
                "deps": [f"{number - 1}.txt"],
                "outs": [f"{number}.txt"],
            }
            for number in range(1, stages + 1)
        }
    }


def make(folder: Path, workspace: Workspace) -> Path:
    """Make the project in ``folder``, as a Git repository with the monorepo's DVC settings, and run it once."""
    folder.mkdir()
    run(["git", "init", "--quiet"], folder, workspace.environment)
    run([*DVC, "init", "--quiet"], folder, workspace.environment)
    shutil.copyfile(workspace.folder / ".dvc" / "config", folder / ".dvc" / "config")
    (folder / "0.txt").write_text("small\n")
    (folder / "dvc.yaml").write_text(yaml.safe_dump(definition(stage_count(workspace))))
    repro(folder, workspace)
    return folder


def repro(folder: Path, workspace: Workspace) -> Run:
    """`dvc repro` of the project."""
    return run([*DVC, "repro"], folder, workspace.environment)
