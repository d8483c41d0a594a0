"""Every file that a model is made of is in Git, and somebody is asked to review its changes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import MODEL, ROOT

OWNERS = ROOT / ".github" / "CODEOWNERS"
SPECIFICATION = [f"models/{MODEL}/{name}.py" for name in ("contract", "features", "train", "slices", "sources")] + [
    "params.yaml", "dvc.yaml", "dvc.lock", "uv.lock",
]  # fmt: skip


def owners(file: str) -> list[str]:
    """Who owns ``file``: the last pattern that fits, as the forge reads it."""
    found: list[str] = []
    for line in OWNERS.read_text().splitlines():
        pattern, *names = line.split("#")[0].split() or [""]
        below = pattern.endswith("/") and f"/{file}".startswith(pattern)
        if below or pattern in ("*", f"/{file}"):
            found = names
    return found


@pytest.mark.parametrize("file", SPECIFICATION)
def test_it_is_in_git_and_has_an_owner(file: str) -> None:
    tracked = subprocess.run(["git", "ls-files", "--error-unmatch", file], cwd=ROOT, capture_output=True, check=False)
    assert tracked.returncode == 0, f"{file} is not in Git"
    assert owners(file)


def test_models_belong_to_those_who_make_them() -> None:
    assert owners(f"models/{MODEL}/train.py") != owners("README.md")
    assert all(name.startswith("@") for name in owners(f"models/{MODEL}/train.py"))


def test_nothing_that_a_stage_reads_is_ignored() -> None:
    """A model's file that Git ignores would be missing from every clone and every review."""
    named = [str(file) for room in ("models", "pipelines", "platform-lib/src") for file in Path(room).rglob("*.py")]
    ignored = subprocess.run(["git", "check-ignore", *named], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout == ""
