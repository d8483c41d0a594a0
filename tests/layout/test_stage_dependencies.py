"""dvc.yaml says of each stage what it really depends on, and serves a second model without a second copy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import MODEL, ROOT

DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
# Every stage stands on these; they change no result but by being broken.
_GROUND = {
    "__init__.py", "errors.py", "files.py", "progress.py", "project.py", "stage.py", "configuration.py",
}  # fmt: skip
LIBRARY = ROOT / "platform-lib/src/slipway"


def _loaded(python: str, code: str) -> set[str]:
    """Files of the library that are loaded once ``code`` ran, relative to the library."""
    tell = "import json,sys;print(json.dumps([m.__file__ for m in sys.modules.values() if getattr(m,'__file__',None)]))"
    done = subprocess.run([python, "-c", f"{code}\n{tell}"], capture_output=True, text=True, check=True, cwd=ROOT)
    files = (Path(file) for file in json.loads(done.stdout))
    return {file.relative_to(LIBRARY).as_posix() for file in files if file.is_relative_to(LIBRARY)}


@cache
def imported(stage: str) -> set[str]:
    """Library files that the stage's script imports."""
    python = "environments/drift/.venv/bin/python" if stage == "check_drift" else sys.executable
    code = f"import runpy,sys;sys.path.insert(0,'.');runpy.run_path('pipelines/{stage}.py',run_name='imported')"
    return _loaded(python, code) - _GROUND


def deps(stage: str) -> list[str]:
    return [dep.replace("${key}", MODEL) for dep in DVC[stage]["do"]["deps"]]


def test_stage_is_script_is_params_key() -> None:
    scripts = {file.stem for file in (ROOT / "pipelines").glob("*.py")}
    assert scripts == set(DVC)
    for stage, entry in DVC.items():
        assert f"pipelines/{stage}.py ${{key}}" in entry["do"]["cmd"]


@pytest.mark.parametrize("stage", sorted(DVC))
def test_deps_exist(stage: str) -> None:
    made = {out.replace("${key}", MODEL) for entry in DVC.values() for out in entry["do"]["outs"]}
    assert [dep for dep in deps(stage) if dep not in made and not (ROOT / dep).exists()] == []


@pytest.mark.parametrize("stage", sorted(DVC))
def test_deps_cover_the_code_that_the_stage_calls(stage: str) -> None:
    """The rooms that the script itself names, and whatever they import in turn, are among its deps."""
    rooms = {file for file in imported(stage) if not _only_for_configuration(stage, file)}
    covered = [dep.removeprefix("platform-lib/src/slipway/") for dep in deps(stage)]
    missing = {file for file in rooms if not any(file == dep or file.startswith(f"{dep}/") for dep in covered)}
    assert missing == set()


def test_gate_depends_on_the_server_that_it_starts() -> None:
    """In a process of its own, so that no import of the stage shows it."""
    served = _loaded(sys.executable, "import slipway.cli, slipway.cli.serve, slipway.serving.server") - _GROUND
    covered = [dep.removeprefix("platform-lib/src/slipway/") for dep in deps("gate")]
    missing = {file for file in served if not any(file == dep or file.startswith(f"{dep}/") for dep in covered)}
    # Every other verb stands beside `serve` and does nothing when it runs.
    assert {file for file in missing if not file.startswith("cli/")} == set()
    assert {"cli/serve.py", "cli/options.py", "serving/server.py", "request_log/log.py"} <= served - missing


def _only_for_configuration(stage: str, file: str) -> bool:
    """configuration imports every gate for its thresholds' types; the values come in as params."""
    return file in _configuration_alone() and not _named(stage, file)


@cache
def _configuration_alone() -> set[str]:
    return _loaded(sys.executable, "import slipway.configuration")


def _named(stage: str, file: str) -> bool:
    """Whether the script itself imports the room of ``file``."""
    room = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    script = (ROOT / f"pipelines/{stage}.py").read_text()
    parent, _, name = room.rpartition(".")
    return f"slipway.{room} import" in script or (
        bool(parent) and f"from slipway.{parent} import" in script and name in script
    )


def test_every_model_has_its_metrics_shown() -> None:
    models = yaml.safe_load((ROOT / "params.yaml").read_text())["models"]
    shown = yaml.safe_load((ROOT / "dvc.yaml").read_text())["metrics"]
    assert shown == [f"artifacts/{model}/evaluation/summary.json" for model in models]


def test_second_model_needs_no_second_copy(tmp_path: Path) -> None:
    shutil.copy(ROOT / "dvc.yaml", tmp_path)
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["models"]["turbine_power"] = params["models"][MODEL]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    environment = os.environ | {"DVC_NO_ANALYTICS": "1"}
    for command in ("dvc init --quiet --no-scm", "dvc stage list --name-only"):
        done = subprocess.run(
            command.split(), cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
    assert set(done.stdout.split()) == {f"{stage}@{model}" for stage in DVC for model in (MODEL, "turbine_power")}
