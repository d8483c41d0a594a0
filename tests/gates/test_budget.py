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
from slipway.release import footprint, package

MODEL = "flight_delay"


@pytest.fixture(scope="session")
def parts(paths: ModelPaths, model_params: ModelParams) -> dict[str, package.Part]:
    return package.judged_parts(paths, model_params.model_dump(mode="json"))


def measured(parts: dict[str, package.Part], room: Path, paths: ModelPaths) -> budget.Footprint:
    return footprint.measure(package.seal(parts, room, MODEL), max(paths.validated.glob("*.parquet")))


@pytest.fixture(scope="session")
def real(
    parts: dict[str, package.Part], paths: ModelPaths, tmp_path_factory: pytest.TempPathFactory
) -> budget.Footprint:
    return measured(parts, tmp_path_factory.mktemp("real"), paths)


def test_real_model_passes(real: budget.Footprint, limits: Gates) -> None:
    verdict = budget.judge(real, limits.budget)
    assert verdict.passed, (verdict.reason, verdict.observed)
    assert verdict.observed["single_row_ms"] > 0
    assert "single_row_ms" not in verdict.as_evidence()["figures"]


def test_fault_fifty_times_the_trees(
    parts: dict[str, package.Part], paths: ModelPaths, history: tuple[Floats, Floats], limits: Gates,
    model_params: ModelParams, tmp_path: Path,
) -> None:  # fmt: skip
    settings = model_params.train.model_dump()
    settings |= {"num_trees": 50 * settings["num_trees"], "num_leaves": 6, "min_data_in_leaf": 5}
    model = train.fit(history[0][:400], history[1][:400], settings).model_to_string().encode()
    verdict = budget.judge(measured(parts | {"model.txt": model}, tmp_path, paths), limits.budget)
    assert verdict.gate == "budget"
    assert not verdict.passed
    assert verdict.figures["trees"] == settings["num_trees"]
    assert {"model size", "number of trees"} <= set(verdict.figures["exceeded"])
    assert f"number of {settings['num_trees']} trees is over {limits.budget.max_trees}" in verdict.reason


@pytest.mark.parametrize(
    ("figure", "name", "said"),
    [
        ("single_row_ms", "single-row latency", "single-row latency is over 2 ms"),
        ("memory_mib", "memory", "memory is over 64 MiB"),
        ("trees", "number of trees", "number of 12345678 trees is over 1000"),
        ("model_bytes", "model size", "model size of 11.77 MiB is over 4 MiB"),
    ],
)
def test_fault_each_bound_by_itself(real: budget.Footprint, limits: Gates, figure: str, name: str, said: str) -> None:
    """A reason is evidence, so it says no figure that differs from machine to machine."""
    verdict = budget.judge(replace(real, **{figure: 12_345_678}), limits.budget)
    assert not verdict.passed
    assert verdict.figures["exceeded"] == [name]
    assert verdict.reason == f"Over budget: {said}."


@pytest.mark.parametrize("figure", ["single_row_ms", "memory_mib"])
def test_fault_a_figure_that_is_no_number(real: budget.Footprint, limits: Gates, figure: str) -> None:
    assert not budget.judge(replace(real, **{figure: float("nan")}), limits.budget).passed
