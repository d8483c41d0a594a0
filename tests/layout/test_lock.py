"""The committed dvc.lock is what this machine gets: equal inputs, equal outputs, wherever they are made."""

from __future__ import annotations

import subprocess

from tests.conftest import ROOT


def git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_dvc_lock_of_an_unchanged_tree_is_the_committed_one() -> None:
    changed = {line[3:] for line in git("status", "--porcelain", "--untracked-files=no").splitlines()}
    assert changed != {"dvc.lock"}, git("diff", "dvc.lock")


def test_pipeline_is_up_to_date() -> None:
    done = subprocess.run(["dvc", "status"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Data and pipelines are up to date."
