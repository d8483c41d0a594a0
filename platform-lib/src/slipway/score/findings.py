"""What a release and the repository have to show, read once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slipway.files import read_json, read_yaml
from slipway.project import ModelPaths
from slipway.release import manifest
from slipway.score.proofs import Findings
from slipway.tuning.record import training_data

_NAMES = "feature_names="


def read(paths: ModelPaths, folder: Path, tests: Mapping[str, str]) -> Findings:
    """All that proofs are judged by.

    Args:
        paths: of the model; the working folder is the monorepo's top.
        folder: the release.
        tests: outcome of each test that ran.

    Raises:
        ReleaseBroken: when a file of the release is not what its manifest says.
    """
    manifest.verify(folder)
    study, tuning = folder / "study.json", paths.home / "tuning.json"
    facts = read_yaml(folder / "model.yaml")
    return Findings(
        model=paths.name,
        tests=tests,
        verdicts=read_json(folder / "evidence.json")["verdicts"],
        study=read_json(study) if study.is_file() else None,
        features=feature_names(folder / "model.txt"),
        inclusion=facts.get("inclusion") or (),
        tuning=read_json(tuning) if tuning.is_file() else None,
        train=read_json(folder / "params.json")["train"],
        training_data=training_data(paths),
    )


def feature_names(model: Path) -> list[str]:
    """The features that a LightGBM model file says it takes."""
    with model.open(encoding="utf-8") as lines:
        named: Any = next((line for line in lines if line.startswith(_NAMES)), _NAMES)
    return str(named).strip().removeprefix(_NAMES).split()
