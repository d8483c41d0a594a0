"""``kill -9`` in the middle of any stage: no half output is taken for whole, and the next ``dvc repro`` heals it."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import MODEL
from tests.faults.workspace import STAGES, Workspace, finished, scratch, state

__all__ = ["finished"]

States = dict[str, str | None]
# Making the scratch folder, writing into it, moving it to its place: what each output takes at least.
_WRITES_PER_OUTPUT = 3
_AT_ONCE = 2


@dataclass(frozen=True)
class Outcome:
    """A stage before its kill, after it, and after the next ``dvc repro``."""

    whole: States
    killed: int
    left: States
    repro: subprocess.CompletedProcess[str]
    healed: States
    release: Path
    scratch: list[Path]


def _states(workspace: Workspace, stage: str) -> States:
    return {str(output.relative_to(workspace.top)): state(output) for output in workspace.outputs(stage)}


def _kill(workspace: Workspace, stage: str, moment: int) -> int:
    command = ["dvc", "repro", f"{stage}@{MODEL}"]
    environment = workspace.env | {"SLIPWAY_KILL": f"{stage} {moment}"}
    return subprocess.run(
        command, cwd=workspace.top, env=environment, capture_output=True, start_new_session=True, check=False
    ).returncode


def _kill_and_heal(workspace: Workspace, stage: str) -> Outcome:
    whole = _states(workspace, stage)
    script = workspace.top / "pipelines" / f"{stage}.py"
    script.write_text(script.read_text() + "# changed, so that it must run again\n")
    # The first operation only makes the scratch folder.
    killed = _kill(workspace, stage, random.Random(stage).randint(2, _WRITES_PER_OUTPUT * len(whole)))
    left = _states(workspace, stage)
    repro = workspace.repro()
    healed = _states(workspace, stage)
    return Outcome(whole, killed, left, repro, healed, workspace.release(), scratch(workspace.top))


def _one_after_another(finished: Workspace, top: Path, stages: tuple[str, ...]) -> dict[str, Outcome]:
    shutil.copytree(finished.top, top, symlinks=True)
    shutil.copyfile(Path(__file__).with_name("killer.py"), top / "packages" / "sitecustomize.py")
    return {stage: _kill_and_heal(Workspace(top), stage) for stage in stages}


@pytest.fixture(scope="module")
def outcomes(finished: Workspace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Of all stages; some in one copy, some in another, at the same time."""
    tops = [tmp_path_factory.mktemp("kill") / "copy" for _ in range(_AT_ONCE)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        runs = [pool.submit(_one_after_another, finished, top, STAGES[n::_AT_ONCE]) for n, top in enumerate(tops)]
        return {stage: outcome for run in runs for stage, outcome in run.result().items()}


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_stage_leaves_no_half_output(outcomes: dict[str, Outcome], stage: str) -> None:
    outcome = outcomes[stage]
    assert outcome.killed == -signal.SIGKILL
    assert None in outcome.left.values(), "the kill came after the stage had done its work"
    half = {output for output, digest in outcome.left.items() if digest not in (None, outcome.whole[output])}
    assert half == set()


@pytest.mark.parametrize("stage", STAGES)
def test_the_next_repro_heals_it_and_ends_with_the_same_release(
    finished: Workspace, outcomes: dict[str, Outcome], stage: str
) -> None:
    outcome = outcomes[stage]
    assert outcome.repro.returncode == 0, outcome.repro.stdout + outcome.repro.stderr
    assert f"Running stage '{stage}@{MODEL}'" in outcome.repro.stdout
    assert outcome.healed == outcome.whole
    assert outcome.release.name == finished.release().name
    assert outcome.scratch == []
