"""The copy and its peers do what the monorepo does; nothing is timed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from benchmarks import bare, straight, workspace
from benchmarks.workspace import Workspace
from slipway import gates
from slipway.project import ModelPaths


@pytest.fixture
def copy(tmp_path: Path) -> Workspace:
    return workspace.copy(Path.cwd(), tmp_path)


def test_the_bare_project_has_as_many_stages_and_then_nothing_to_do(copy: Workspace, tmp_path: Path) -> None:
    expected = len(yaml.safe_load(Path("dvc.lock").read_text())["stages"])
    assert bare.stage_count(copy) == expected
    folder = bare.make(tmp_path / "bare", copy)
    assert len(yaml.safe_load((folder / "dvc.lock").read_text())["stages"]) == expected
    assert (folder / f"{expected}.txt").read_text() == "small\n"
    output = bare.repro(folder, copy).output
    assert output.count("didn't change, skipping") == expected
    assert "Running stage" not in output


def test_reset_is_a_fresh_clone_with_warm_environments(copy: Workspace) -> None:
    kept = copy.folder / "environments/drift/.venv/bin/python"
    made = [copy.folder / "data/flight_delay/x.parquet", copy.folder / ".dvc/cache/x", copy.folder / ".dvc/tmp/x"]
    for file in (kept, *made):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (copy.folder / "dvc.lock").write_text("changed")
    copy.reset()
    assert kept.exists()
    assert not any(file.exists() for file in made)
    assert (copy.folder / "dvc.lock").read_bytes() == Path("dvc.lock").read_bytes()


def test_the_straight_script_runs_every_stage_in_the_pipelines_order() -> None:
    assert list(straight.STAGES) == list(yaml.safe_load(Path("dvc.yaml").read_text())["stages"])


def test_the_stages_that_judge_leave_the_verdict_of_every_gate_that_a_release_holds(copy: Workspace) -> None:
    stages = yaml.safe_load((copy.folder / "dvc.yaml").read_text())["stages"]
    found = copy.judging("flight_delay")
    outs = [Path(out) for stage in found for out in stages[stage]["do"]["outs"]]
    assert {out.stem for out in outs if out.parent.name == "verdicts"} == set(gates.names())
    assert found["gate"] == ["python", "pipelines/gate.py", "flight_delay"]


def test_a_stage_runs_in_the_copy_with_the_monorepos_python(copy: Workspace) -> None:
    done = copy.stage(["python", "-c", "import os, sys; print(os.getcwd(), sys.executable)"])
    assert done.output.split() == [str(copy.folder), sys.executable]


def test_releases_names_what_the_pipeline_made() -> None:
    found = Workspace(Path.cwd(), {}, ("flight_delay",)).releases()
    assert (ModelPaths("flight_delay").releases / found["flight_delay"] / "manifest.json").is_file()


def test_help_names_every_benchmark_and_gives_examples() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--help"],
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "120"},
    )
    assert "Examples" in done.stdout
    assert all(
        name in done.stdout for name in ("noop", "pipeline", "memory", "packaging", "gates", "predict", "--json")
    )
