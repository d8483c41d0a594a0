"""``kill -9`` in the middle of any stage: no half output is taken for whole, and the next ``dvc repro`` heals it."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MODEL
from tests.faults.workspace import STAGES, Workspace, finished, scratch, state

__all__ = ["finished"]

# Making the scratch folder, writing into it, moving it to its place: what each output takes at least.
_WRITES_PER_OUTPUT = 3


@pytest.fixture(scope="module")
def workspace(finished: Workspace) -> Iterator[Workspace]:
    killer = finished.top / "packages" / "sitecustomize.py"
    shutil.copyfile(Path(__file__).with_name("killer.py"), killer)
    yield finished
    killer.unlink()


def _kill(workspace: Workspace, stage: str, moment: int) -> int:
    command = ["dvc", "repro", f"{stage}@{MODEL}"]
    environment = workspace.env | {"SLIPWAY_KILL": f"{stage} {moment}"}
    return subprocess.run(
        command, cwd=workspace.top, env=environment, capture_output=True, start_new_session=True, check=False
    ).returncode


@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_stage_is_healed_by_the_next_repro(workspace: Workspace, stage: str) -> None:
    release = workspace.release()
    whole = {output: state(output) for output in workspace.outputs(stage)}
    script = workspace.top / "pipelines" / f"{stage}.py"
    script.write_text(script.read_text() + "# changed, so that it must run again\n")
    moment = random.Random(stage).randint(2, _WRITES_PER_OUTPUT * len(whole))  # the first makes a scratch folder

    assert _kill(workspace, stage, moment) == -signal.SIGKILL
    left = {output: state(output) for output in whole}
    assert None in left.values(), "the kill came after the stage had done its work"
    assert {output: digest for output, digest in left.items() if digest not in (None, whole[output])} == {}

    healed = workspace.repro()
    assert healed.returncode == 0, healed.stdout + healed.stderr
    assert {output: state(output) for output in whole} == whole
    assert workspace.release() == release
    assert scratch(workspace.top) == []
