"""A full disk in the middle of any stage: exit 3, a sentence that says so, and no half output.

The disk is a tmpfs in a mount namespace of its own, with room for half of what the stage writes. Where the kernel
allows neither root nor user namespaces, a limit on the size of files stands in for it: then the larger half of the
stage's biggest file does not fit.
"""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.workspace import STAGES, Workspace, finished, scratch, state

__all__ = ["finished"]

ROOMS = ("data", "artifacts", "releases")
_BLOCK = 4096
# $1: where to mount, $2: free bytes, $3: where to leave what came of it, then the command.
_ON_A_FULL_DISK = """
set -eu
disk=$1 free=$2 result=$3; shift 3
mount -t tmpfs -o size=256m none "$disk"
cp -a data artifacts releases "$disk"
used=$(df --output=used -B1 "$disk" | tail -1)
mount -o remount,size=$((used + free)) "$disk"
for room in data artifacts releases; do mount --bind "$disk/$room" "$room"; done
code=0; "$@" || code=$?
cp -a "$disk/." "$result"
exit $code
"""


@dataclass(frozen=True)
class Outcome:
    """A stage's run on a full disk: its exit code, what it said, and the monorepo as it left it."""

    code: int
    said: str
    left: Workspace


def _namespace(tmp: Path) -> list[str]:
    """The command that gives a mount namespace in which a tmpfs can be mounted, or none."""
    for command in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        if (
            subprocess.run([*command, "mount", "-t", "tmpfs", "none", tmp], capture_output=True, check=False).returncode
            == 0
        ):
            return command
    return []


def _blocks(output: Path) -> int:
    files = [path for path in (output, *output.rglob("*")) if path.is_file()]
    return sum(-(-file.stat().st_size // _BLOCK) for file in files)


def _biggest(outputs: list[Path]) -> int:
    return max(path.stat().st_size for output in outputs for path in (output, *output.rglob("*")) if path.is_file())


def run_on_a_full_disk(finished: Workspace, stage: str, top: Path, namespace: list[str]) -> Outcome:
    """Run ``stage`` in a copy without its outputs (DVC removes them first), where only half of them fits."""
    shutil.copytree(finished.top, top, ignore=shutil.ignore_patterns(".git", ".dvc", ".site-cache"))
    copy = Workspace(top)
    outputs = copy.outputs(stage)
    free, limit = sum(map(_blocks, outputs)) // 2 * _BLOCK, _biggest(outputs) // 2
    for output in outputs:
        shutil.rmtree(output) if output.is_dir() else output.unlink()
    command = copy.command(stage)
    if not namespace:
        done = copy.run("prlimit", f"--fsize={limit}", *command)
        return Outcome(done.returncode, done.stderr, copy)
    disk, result = top / "disk", top / "result"
    disk.mkdir()
    result.mkdir()
    done = copy.run(*namespace, "sh", "-c", _ON_A_FULL_DISK, "sh", str(disk), str(free), str(result), *command)
    return Outcome(done.returncode, done.stderr, Workspace(result))


@pytest.fixture(scope="module")
def outcomes(finished: Workspace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    top = tmp_path_factory.mktemp("full")
    namespace = _namespace(tmp_path_factory.mktemp("mount"))
    with ThreadPoolExecutor(max_workers=2) as pool:
        runs = {stage: pool.submit(run_on_a_full_disk, finished, stage, top / stage, namespace) for stage in STAGES}
        return {stage: run.result() for stage, run in runs.items()}


@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk_is_exit_3_and_leaves_nothing_half_written(
    finished: Workspace, outcomes: dict[str, Outcome], stage: str
) -> None:
    outcome = outcomes[stage]
    assert outcome.code == 3, outcome.said
    assert "could not be written" in outcome.said
    assert "No space left on device" in outcome.said or "File too large" in outcome.said
    assert "Free some space" in outcome.said
    assert "Traceback" not in outcome.said
    whole = {output.relative_to(finished.top): state(output) for output in finished.outputs(stage)}
    left = {output: state(outcome.left.top / output) for output in whole}
    assert None in left.values(), "everything fitted"
    assert {output: digest for output, digest in left.items() if digest not in (None, whole[output])} == {}
    assert scratch(outcome.left.top) == []


def test_the_run_after_a_full_disk_ends_with_the_same_release(
    finished: Workspace, outcomes: dict[str, Outcome]
) -> None:
    """Package it from what the full disk left: once there is room, the release is the same."""
    left = outcomes["package"].left.top
    top = outcomes["package"].left.top.parent if left.name == "result" else left
    if left != top:
        for room in ROOMS:
            shutil.rmtree(top / room)
            shutil.copytree(left / room, top / room)
    done = Workspace(top).stage("package")
    assert done.returncode == 0, done.stderr
    assert Workspace(top).release().name == finished.release().name
