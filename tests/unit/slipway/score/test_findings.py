from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models.flight_delay.features import NAMES
from slipway.project import ModelPaths
from slipway.release.manifest import ReleaseBroken
from slipway.score import findings


def test_what_the_release_shows(paths: ModelPaths, release_folder: Path) -> None:
    found = findings.read(paths, release_folder, {"a": "passed"})
    assert found.tests == {"a": "passed"}
    assert list(found.features) == list(NAMES)
    assert {"baseline", "slices"} <= set(found.verdicts)
    assert found.study is not None
    assert set(found.study) == {"ablation", "judged", "staleness", "train"}
    assert found.train["num_trees"] > 0
    assert found.inclusion
    assert found.training_data


def test_a_release_that_was_changed_shows_nothing(paths: ModelPaths, release_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / release_folder.name
    shutil.copytree(release_folder, copy)
    evidence = copy / "evidence.json"
    evidence.write_text(evidence.read_text().replace('"passed": true', '"passed": false', 1))
    with pytest.raises(ReleaseBroken, match=r"evidence\.json"):
        findings.read(paths, copy, {})


def test_features_are_those_of_the_model_file(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("tree\nversion=v4\nfeature_names=a b\nfeature_infos=none none\n")
    assert findings.feature_names(tmp_path / "model.txt") == ["a", "b"]
    (tmp_path / "other.txt").write_text("tree\n")
    assert findings.feature_names(tmp_path / "other.txt") == []
