"""The workflows: actionlint accepts them and refuses broken ones, they call make, and may do no more than they need."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yaml"))
SAFE = {"apt-get", "git", ".ci/run", ".ci/nightly", "make"}
# Who may write what, and why it must.
WRITES = {"promote.yaml": {"contents", "pull-requests"}, "retrain.yaml": {"contents", "pull-requests"}}


@pytest.fixture(scope="module")
def actionlint() -> Path:
    python = ROOT / "infra/.venv/bin/python"
    built = subprocess.run(
        [python, "-m", "infra.builds", "path", "actionlint"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return Path(built.stdout.strip())


def lint(actionlint: Path, *files: Path) -> subprocess.CompletedProcess[str]:
    command = [actionlint, "-shellcheck=", "-pyflakes=", *files]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def steps(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_they_are_sound(actionlint: Path) -> None:
    assert {file.name for file in WORKFLOWS} >= {"ci.yaml", "promotion.yaml", "promote.yaml", "retrain.yaml"}
    done = lint(actionlint)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("runs-on: ubuntu-24.04", "runs-on: ubuntu-99.04", "label .* is unknown"),
        ("${{ inputs.environment }}", "${{ inputs.enviroment }}", "is not defined in object type"),
        ("pull-requests: write", "pull-requests: always", "is invalid as permission"),
        ("steps:", "step:", 'unexpected key "step"|"steps" section is missing'),
        ("registry-login: ${{", "registry-log: ${{", "is not defined in action"),
    ],
)
def test_a_broken_one_is_refused(actionlint: Path, tmp_path: Path, old: str, new: str, said: str) -> None:
    text = (ROOT / ".github/workflows/promote.yaml").read_text()
    assert old in text
    # In the repository's own folders, for it uses an action of theirs.
    home = tmp_path / "repository"
    (home / ".github/workflows").mkdir(parents=True)
    (home / ".git").mkdir()
    (home / ".github/actions").symlink_to(ROOT / ".github/actions")
    broken = home / ".github/workflows/promote.yaml"
    broken.write_text(text.replace(old, new))
    done = subprocess.run(
        [actionlint, "-shellcheck=", "-pyflakes="], cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(said, done.stdout), done.stdout


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_actions_are_pinned_by_commit(file: Path) -> None:
    for used in re.findall(r"uses: (.+)", file.read_text()):
        assert used.startswith("./") or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", used), used


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_rights_are_the_least(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())
    granted = [workflow["permissions"], *(job.get("permissions", {}) for job in workflow["jobs"].values())]
    writes = {right for rights in granted for right, level in rights.items() if level != "read"}
    assert writes == WRITES.get(file.name, set())
    assert "pull_request_target" not in file.read_text(), "it would run a stranger's code with our secrets"


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_they_call_what_people_call(file: Path) -> None:
    lines = [line for step in steps(yaml.safe_load(file.read_text())) for line in step.get("run", "").splitlines()]
    assert {line.split()[0] for line in lines if line.strip()} <= SAFE
    made = re.search(r"^  *-? *run: (make|\.ci/).*", file.read_text(), re.MULTILINE)
    assert made, "it does its work by make"
    for target in re.findall(r"run: make ([a-z-]+)", file.read_text()):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), target


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_nothing_that_a_stranger_writes_becomes_a_command(file: Path) -> None:
    for step in steps(yaml.safe_load(file.read_text())):
        assert "${{" not in step.get("run", "")


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("promote", "MODEL"),
        ("promote", "TO"),
        ("promote", "REMOTE"),
        ("promote", "RELEASE"),
        ("check-promotion", "BASE"),
    ],
)
@pytest.mark.parametrize(
    "given", ["x'; touch {}; '", 'x"; touch {}; "', "$(touch {})", "$(shell touch {})", "x\ntouch {}"]
)
def test_nothing_that_somebody_asks_for_becomes_a_command(tmp_path: Path, target: str, name: str, given: str) -> None:
    trace = tmp_path / "trace"
    value = given.format(trace)
    env = {key: held for key, held in os.environ.items() if not key.startswith("MAKE")} | {name: value}
    # In the place of `slipway`, which sees what it is given.
    shell = 'slipway() { printf "%s\\n" "$@"; }; export -f slipway; exec make -o setup "$0"'
    done = subprocess.run(["bash", "-c", shell, target], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert value in done.stdout
    assert not trace.exists()
