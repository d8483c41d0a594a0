"""The measures equal scikit-learn's, with and without weights and ties."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from slipway.evaluation import metrics


def rows(ties: bool) -> tuple[metrics.Sample, metrics.Floats]:
    draws = np.random.default_rng(8)
    score = np.clip(draws.beta(2, 5, 4000), 0.01, 0.99)
    label = (draws.random(4000) < score).astype(float)
    return metrics.sample(label, np.sort(draws.integers(0, 40, 4000))), np.round(score, 1) if ties else score


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_equal_to_scikit_learn(ties: bool, weighted: bool) -> None:
    data, score = rows(ties)
    score = np.clip(score, 0.01, 0.99)
    weights = np.random.default_rng(9).integers(0, 4, data.days).astype(float) if weighted else np.ones(data.days)
    found = metrics.evaluate(data, score, weights[None, :])
    each = weights[data.day]
    expected = {
        "auc": reference.roc_auc_score(data.label, score, sample_weight=each),
        "average_precision": reference.average_precision_score(data.label, score, sample_weight=each),
        "log_loss": reference.log_loss(data.label, score, sample_weight=each),
        "brier": reference.brier_score_loss(data.label, score, sample_weight=each),
    }
    assert {name: float(value[0]) for name, value in found.items()} == pytest.approx(expected, rel=1e-9)


def test_one_class_is_not_a_number() -> None:
    data = metrics.sample(np.zeros(10), np.arange(10))
    found = metrics.evaluate(data, np.linspace(0.1, 0.9, 10), np.ones((1, 10)))
    assert np.isnan(found["auc"][0])
    assert np.isfinite(found["log_loss"][0])


def test_auc_of_a_perfect_and_a_useless_score() -> None:
    label = np.array([0, 0, 1, 1])
    assert metrics.auc(label, np.array([0.1, 0.2, 0.3, 0.4])) == 1.0
    assert metrics.auc(label, np.full(4, 0.5)) == 0.5
