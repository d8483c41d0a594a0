"""Gate ``robustness``: a model whose decision a small change turns is red, and so is one that nothing turns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.flight_delay import contract, features, train
from slipway.configuration import Gates, ModelParams
from slipway.evaluation.metrics import Floats
from slipway.evaluation.robustness import Attack, Noise, Noising, distances, noise
from slipway.evaluation.rows import judged_rows
from slipway.features import Table
from slipway.files import read_json
from slipway.gates import robustness
from slipway.gates.verdict import Verdict
from slipway.project import ModelPaths
from slipway.release import Release, load
from slipway.release.booster import Booster
from tests.gates.conftest import Season

Predict = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Trial:
    """The rows and the thresholds that a model is tried with."""

    release: Release
    raw: pl.DataFrame
    features: pl.DataFrame
    state: dict[str, Any]
    limits: robustness.Thresholds

    def noise(self, predict: Predict) -> Noise:
        def score(raw: pl.DataFrame) -> Floats:
            return predict(np.column_stack(features.transform(Table(raw), self.state)))

        plan = Noising(self.limits.noise_rows, self.limits.noise_share, self.limits.seed)
        return noise(score, self.raw, self.release.fields, plan)

    def distances(self, predict: Predict) -> Floats:
        plan = Attack(self.limits.attacked_rows, self.limits.attack_iterations, self.limits.seed)
        threshold = self.release.threshold
        return distances(lambda rows: predict(rows) >= threshold, self.features, features.CATEGORICAL, plan)

    def judge(self, noise: Noise, distances: Floats) -> Verdict:
        return robustness.judge(noise, distances, self.release.threshold, self.limits)


@pytest.fixture(scope="session")
def trial(release_folder: Path, paths: ModelPaths, season: Season, limits: Gates) -> Trial:
    raw = judged_rows(paths, contract, pl.read_parquet(paths.evaluation / "scores.parquet"))
    state = read_json(release_folder / "state.json")
    return Trial(load(release_folder), raw, season.features, state, limits.robustness)


@pytest.fixture(scope="session")
def predict(release_folder: Path) -> Predict:
    """The real model."""
    return Booster((release_folder / "model.txt").read_bytes()).predict


@pytest.fixture(scope="session")
def real_noise(trial: Trial, predict: Predict) -> Noise:
    return trial.noise(predict)


@pytest.fixture(scope="session")
def real_distances(trial: Trial, predict: Predict) -> Floats:
    return trial.distances(predict)


def complaints(verdict: Verdict) -> list[str]:
    """The sentences of a verdict that must be red."""
    assert verdict.gate == "robustness"
    assert not verdict.passed
    return verdict.reason.removesuffix(".").split(". ")


def test_the_real_model_passes(trial: Trial, real_noise: Noise, real_distances: Floats) -> None:
    verdict = trial.judge(real_noise, real_distances)
    assert verdict.passed, verdict.reason
    assert 0 < verdict.figures["noise"]["flipped_share"] < trial.limits.max_flipped_share
    assert verdict.figures["attack"]["reached_share"] > trial.limits.min_reached_share
    assert verdict.observed["median_distance"] > trial.limits.min_median_distance


def test_equal_inputs_give_an_equal_verdict(
    trial: Trial, predict: Predict, real_noise: Noise, real_distances: Floats
) -> None:
    """The distances are the same here, but they are no evidence: their last bits hang on the processor."""
    fewer = replace(trial, limits=replace(trial.limits, attacked_rows=20))
    assert fewer.distances(predict).tolist() == fewer.distances(predict).tolist()
    verdict = trial.judge(real_noise, real_distances)
    assert trial.judge(trial.noise(predict), real_distances).as_evidence() == verdict.as_evidence()
    slightly = trial.judge(real_noise, real_distances * 1.001)
    assert slightly.observed != verdict.observed
    assert slightly.as_evidence() == verdict.as_evidence()


def test_fault_a_model_that_memorised(
    trial: Trial, history: tuple[Floats, Floats], model_params: ModelParams, real_distances: Floats
) -> None:
    settings = model_params.train.model_dump() | {
        "num_trees": 40, "num_leaves": 127, "min_data_in_leaf": 1, "learning_rate": 0.3, "lambda_l2": 0.0,
    }  # fmt: skip
    booster = train.fit(history[0][::40], history[1][::40], settings)
    memorised = trial.noise(Booster(booster.model_to_string().encode()).predict)
    said = complaints(trial.judge(memorised, real_distances))
    assert any("decisions; up to" in sentence for sentence in said)
    assert any("moves scores by" in sentence for sentence in said)


def test_fault_sharp_steps_where_no_noise_reaches(trial: Trial, predict: Predict) -> None:
    """Departures in the hour are whole numbers: noise of a twentieth of their spread changes none of them."""
    at = features.NAMES.index("hour_departures")

    def by_parity(rows: Floats) -> Floats:
        return np.where(rows[:, at] % 2 == 0, 0.1, 0.4) + 0.01 * predict(rows)

    said = complaints(trial.judge(trial.noise(by_parity), trial.distances(by_parity)))
    assert [sentence.partition(" from ")[0] for sentence in said] == ["The attack turns decisions"] * 2


def test_fault_scores_that_jump_at_the_threshold(trial: Trial, predict: Predict, real_distances: Floats) -> None:
    """Every decision is the real model's; only the scores are ten times as steep."""
    threshold = np.log(trial.release.threshold / (1 - trial.release.threshold))

    def steep(rows: Floats) -> Floats:
        score = predict(rows)
        return 1 / (1 + np.exp(-(threshold + 10 * (np.log(score / (1 - score)) - threshold))))

    (said,) = complaints(trial.judge(trial.noise(steep), real_distances))
    assert "moves scores by" in said


def test_fault_a_model_that_does_not_look(trial: Trial) -> None:
    def constant(rows: Floats) -> Floats:
        return np.full(len(rows), 0.2)

    verdict = trial.judge(trial.noise(constant), trial.distances(constant))
    assert "does not look at its input" in " ".join(complaints(verdict))
    assert verdict.figures["attack"]["reached_share"] == 0
    assert verdict.figures["noise"]["flipped_share"] == 0


def test_fault_the_attack_reaches_few_rows(trial: Trial, real_noise: Noise, real_distances: Floats) -> None:
    few = np.where(np.arange(len(real_distances)) % 4 == 0, np.nan, real_distances)
    (said,) = complaints(trial.judge(real_noise, few))
    assert said.startswith("Nothing turns the decision on 25.00%")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_fault_scores_that_are_no_numbers(
    trial: Trial, real_noise: Noise, real_distances: Floats, value: float
) -> None:
    after = real_noise.after.copy()
    after[5] = value
    assert "Some scores are no numbers" in complaints(trial.judge(replace(real_noise, after=after), real_distances))


def test_fault_noise_that_changes_nothing(trial: Trial, real_noise: Noise, real_distances: Floats) -> None:
    still = Noise(real_noise.before, real_noise.before, np.zeros_like(real_noise.changed))
    (said,) = complaints(trial.judge(still, real_distances))
    assert said.startswith("Noise changed 0.00% of the rows")


def test_fault_too_few_rows(trial: Trial, real_noise: Noise, real_distances: Floats) -> None:
    some = Noise(real_noise.before[:-1], real_noise.after[:-1], real_noise.changed[:-1])
    (said,) = complaints(trial.judge(some, real_distances))
    assert said.startswith(f"Only {trial.limits.noise_rows - 1} rows got noise")
    (said,) = complaints(trial.judge(real_noise, real_distances[:-1]))
    assert said.startswith(f"Only {trial.limits.attacked_rows - 1} rows were attacked")


def test_fault_nothing_at_all(trial: Trial) -> None:
    nothing = np.empty(0)
    verdict = trial.judge(Noise(nothing, nothing, np.empty(0, dtype=bool)), nothing)
    assert len(complaints(verdict)) >= 6


def test_fault_each_distance_by_itself(trial: Trial, real_noise: Noise, real_distances: Floats) -> None:
    count = len(real_distances)
    near = np.where(np.arange(count) < 0.6 * count, 0.2, 3.0)
    (said,) = complaints(trial.judge(real_noise, near))
    assert said.endswith("(median)")
    (said,) = complaints(trial.judge(real_noise, np.full(count, 0.4)))
    assert said.endswith("(mean)")
