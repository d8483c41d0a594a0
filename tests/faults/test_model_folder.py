"""A model without a contract, and a model that does not exist: exit 2 and the file that is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.conftest import MODEL
from tests.faults.workspace import Workspace, copy_monorepo


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A copy with a second model, turbine, that has a block of parameters and nothing but sources.py."""
    copy = copy_monorepo(tmp_path_factory.mktemp("models"))
    content = copy.params()
    content["models"]["turbine"] = content["models"][MODEL]
    (copy.top / "params.yaml").write_text(yaml.safe_dump(content))
    home = copy.top / "models" / "turbine"
    home.mkdir()
    for name in ("__init__.py", "sources.py"):
        (home / name).write_bytes((copy.top / "models" / MODEL / name).read_bytes())
    return copy


def _nothing_written(top: Path) -> bool:
    return not (top / "data").exists() and not (top / "artifacts").exists()


def test_a_model_without_a_contract(workspace: Workspace) -> None:
    done = workspace.stage("ingest", "turbine")
    assert done.returncode == 2
    assert "models/turbine/contract.py" in done.stderr
    assert "Traceback" not in done.stderr
    assert _nothing_written(workspace.top)


@pytest.mark.parametrize("name", ["turbin", "../models/turbine", "", "turbine/"])
def test_a_model_that_does_not_exist(workspace: Workspace, name: str) -> None:
    done = workspace.slipway("verdicts", name)
    assert done.returncode == 2
    assert f"There is no model {name!r}" in done.stderr
    assert f"{MODEL}, turbine" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stage_of_a_model_that_does_not_exist(workspace: Workspace) -> None:
    done = workspace.stage("check_drift", "turbin")
    assert done.returncode == 2
    assert "models/turbin/__init__.py does not exist" in done.stderr
    assert f"{MODEL}, turbine" in done.stderr
    assert _nothing_written(workspace.top)
