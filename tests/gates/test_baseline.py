"""Gate ``baseline``: a model that learned nothing does not pass for one that did."""

from __future__ import annotations

import numpy as np
import pytest

from models.flight_delay import train
from models.flight_delay.features import CATEGORICAL, NAMES
from slipway.configuration import Gates, ModelParams
from slipway.evaluation.baselines import scores
from slipway.evaluation.metrics import Floats
from slipway.evaluation.resampling import Resampling
from slipway.gates import baseline
from slipway.gates.verdict import Verdict
from tests.gates.conftest import Season

ROWS = 40_000
Past = tuple[Floats, Floats]


def judged(past: Past, score: Floats, season: Season, plan: Resampling, limits: Gates) -> Verdict:
    categorical = [NAMES.index(name) for name in CATEGORICAL]
    simple = scores(*past, season.features.to_numpy(), categorical)
    return baseline.judge(season.data, score, simple, plan, limits.baseline)


def test_real_model_passes(history: Past, season: Season, plan: Resampling, limits: Gates) -> None:
    verdict = judged(history, season.score, season, plan, limits)
    assert verdict.passed, verdict.reason
    assert set(verdict.figures) == {"constant", "logistic"}


def test_fault_labels_shuffled(
    history: Past, season: Season, plan: Resampling, limits: Gates, model_params: ModelParams
) -> None:
    features, label = history
    shuffled = np.random.default_rng(3).permutation(label)[-ROWS:]
    settings = model_params.train.model_dump() | {"num_trees": 60}
    booster = train.fit(features[-ROWS:], shuffled, settings)
    score = np.asarray(booster.predict(season.features.to_numpy()))
    verdict = judged((features[-ROWS:], shuffled), score, season, plan, limits)
    assert verdict.gate == "baseline"
    assert not verdict.passed
    assert "does not beat the constant one" in verdict.reason


def test_fault_model_is_the_logistic_one(history: Past, season: Season, plan: Resampling, limits: Gates) -> None:
    categorical = [NAMES.index(name) for name in CATEGORICAL]
    simple = scores(*history, season.features.to_numpy(), categorical)
    verdict = baseline.judge(season.data, simple["logistic"], simple, plan, limits.baseline)
    assert not verdict.passed
    assert "does not beat the logistic one" in verdict.reason


def test_fault_no_baseline_was_scored(season: Season, plan: Resampling, limits: Gates) -> None:
    assert not baseline.judge(season.data, season.score, {}, plan, limits.baseline).passed


@pytest.mark.parametrize("metric", ["auc", "brier"])
def test_direction_of_each_metric(season: Season, plan: Resampling, metric: baseline.Metric) -> None:
    thresholds = baseline.Thresholds(metric=metric, min_gain=0.0)
    worse = {"noise": np.random.default_rng(5).permutation(season.score)}
    assert baseline.judge(season.data, season.score, worse, plan, thresholds).passed
    assert not baseline.judge(season.data, worse["noise"], {"model": season.score}, plan, thresholds).passed
