"""The gate stage hands each gate what it is to judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines import gate
from slipway import evidence
from slipway.configuration import ModelParams
from slipway.errors import EnvironmentFault
from slipway.evaluation.resampling import Resampling
from slipway.files import read_json, write_json
from slipway.project import ModelPaths
from tests.conftest import MODEL, ROOT


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: ModelPaths) -> Path:
    """A top folder whose artifacts can be changed one by one."""
    for name in ("data", "models", "params.yaml"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / paths.artifacts).mkdir(parents=True)
    for entry in (ROOT / paths.artifacts).iterdir():
        if entry.name not in ("challenge", "evaluation"):
            (tmp_path / paths.artifacts / entry.name).symlink_to(entry)
    for folder in (paths.challenge, paths.evaluation):
        (tmp_path / folder).mkdir()
        for file in (ROOT / folder).iterdir():
            (tmp_path / folder / file.name).symlink_to(file)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def replace(file: Path, value: object) -> None:
    file.unlink()
    write_json(file, value)


def test_champion_s_own_scores_are_compared(paths: ModelPaths, model_params: ModelParams) -> None:
    scores = pl.read_parquet(paths.evaluation / "scores.parquet")
    plan = Resampling(**model_params.evaluate.model_dump())
    verdict = gate._challenger(MODEL, scores, plan, model_params.gates)
    comparison = read_json(paths.challenge / "comparison.json")
    assert verdict.figures["champion"] == comparison["champion"]
    assert verdict.figures["gain"]["value"] == pytest.approx(-comparison["log_loss"]["value"], rel=1e-4)


def test_slices_are_held_against_the_training_months(paths: ModelPaths) -> None:
    scores = pl.read_parquet(paths.evaluation / "scores.parquet")
    past = pl.read_parquet(paths.features / "train_rows.parquet")
    found = {entry.name: entry for entry in gate._slices(MODEL, scores)}
    for carrier in ("UA", "MQ"):
        entry = found[f"carrier={carrier}"]
        assert entry.past_rate == past.filter(pl.col("slice.carrier") == carrier)["late"].mean()
        assert int(entry.rows.sum()) == scores.filter(pl.col("slice.carrier") == carrier).height
    origins = np.sum([entry.rows for name, entry in found.items() if name.startswith("origin=")], axis=0)
    assert (origins == 1).all()


def test_scores_of_another_model_are_refused(clone: Path, paths: ModelPaths) -> None:
    gate._refuse_unless_current(evidence.subject(paths), paths)
    judged = read_json(paths.evaluation / "judged.json")
    replace(paths.evaluation / "judged.json", judged | {"model.txt": "0" * 64})
    with pytest.raises(EnvironmentFault, match=r"model\.txt changed after it was evaluated"):
        gate._refuse_unless_current(evidence.subject(paths), paths)


def test_champion_s_scores_of_other_rows_are_refused(clone: Path, paths: ModelPaths) -> None:
    comparison = read_json(paths.challenge / "comparison.json")
    replace(paths.challenge / "comparison.json", comparison | {"scores": "0" * 64})
    with pytest.raises(EnvironmentFault, match=r"scores\.parquet changed after it was evaluated"):
        gate._refuse_unless_current(evidence.subject(paths), paths)
