"""Where things stand, and a model's own modules."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from slipway import project
from slipway.errors import UsageError
from tests.conftest import MODEL, ROOT


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A monorepo with one model, toy, that has nothing; the working folder is deep inside it."""
    (tmp_path / "params.yaml").touch()
    (tmp_path / "models" / "toy").mkdir(parents=True)
    (tmp_path / "models" / "toy" / "__init__.py").touch()
    (tmp_path / "models" / "not_a_model").mkdir()
    (tmp_path / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep" / "down")
    return tmp_path


def test_the_top_is_found_from_below(toy: Path) -> None:
    assert project.root() == toy
    project.enter()
    assert Path.cwd() == toy


def test_outside_a_monorepo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="is not inside a Slipway monorepo") as caught:
        project.root()
    assert str(tmp_path) in caught.value.what
    assert caught.value.remedy


def test_a_model_is_a_package_below_models(toy: Path) -> None:
    assert project.model_names() == ["toy"]
    assert project.paths("toy").home == Path("models/toy")


@pytest.mark.parametrize("name", ["not_a_model", "to", "../models/toy", "", "."])
def test_an_unknown_model_is_refused_with_those_that_exist(toy: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"There is no model .* Known models: toy\."):
        project.paths(name)


def test_a_missing_module_is_named_by_its_file(toy: Path) -> None:
    with pytest.raises(UsageError, match=r"has no contract\.py") as caught:
        project.module("toy", "contract")
    assert "Write models/toy/contract.py" in caught.value.remedy


def test_a_module_of_this_monorepo() -> None:
    before = list(sys.path)
    assert project.module(MODEL, "contract").__file__ == str(ROOT / "models" / MODEL / "contract.py")
    assert os.fspath(ROOT) in sys.path
    assert sys.path.count(str(ROOT)) == max(1, before.count(str(ROOT)))


def test_all_paths_of_a_model_are_below_folders_that_bear_its_name() -> None:
    paths = project.ModelPaths("toy")
    names = [name for name, value in vars(project.ModelPaths).items() if isinstance(value, property)]
    found = [getattr(paths, name) for name in names] + [paths.verdict("drift")]
    assert len(found) > 15
    assert all("toy" in path.parts and not path.is_absolute() for path in found)
    assert len(set(found)) == len(found)
