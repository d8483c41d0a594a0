"""Gate ``budget``: a model that is too large or too slow to serve is red."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.flight_delay import train
from slipway.configuration import Gates, ModelParams
from slipway.evaluation.metrics import Floats
from slipway.gates import budget
from slipway.project import ModelPaths
from slipway.release import footprint

MODEL = "flight_delay"


@pytest.fixture(scope="session")
def real(paths: ModelPaths) -> budget.Footprint:
    return footprint.measure(MODEL, paths.trained / "model.txt")


def test_real_model_passes(real: budget.Footprint, limits: Gates) -> None:
    verdict = budget.judge(real, limits.budget)
    assert verdict.passed, (verdict.reason, verdict.observed)
    assert verdict.observed["single_row_ms"] > 0
    assert "single_row_ms" not in verdict.as_evidence()["figures"]


def test_fault_fifty_times_the_trees(
    history: tuple[Floats, Floats], limits: Gates, model_params: ModelParams, tmp_path: Path
) -> None:
    settings = model_params.train.model_dump()
    settings |= {"num_trees": 50 * settings["num_trees"], "num_leaves": 6, "min_data_in_leaf": 5}
    booster = train.fit(history[0][:400], history[1][:400], settings)
    booster.save_model(tmp_path / "model.txt")
    verdict = budget.judge(footprint.measure(MODEL, tmp_path / "model.txt"), limits.budget)
    assert verdict.gate == "budget"
    assert not verdict.passed
    assert verdict.figures["trees"] == settings["num_trees"]
    assert {"model size", "number of trees"} <= set(verdict.figures["exceeded"])


@pytest.mark.parametrize(
    ("figure", "name"),
    [("single_row_ms", "single-row latency"), ("memory_mib", "memory"), ("trees", "number of trees")],
)
def test_fault_each_bound_by_itself(real: budget.Footprint, limits: Gates, figure: str, name: str) -> None:
    verdict = budget.judge(replace(real, **{figure: 10_000}), limits.budget)
    assert not verdict.passed
    assert verdict.figures["exceeded"] == [name]
