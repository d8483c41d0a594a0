"""Intervals that hold what they promise, and comparisons in which what is shared cancels."""

from __future__ import annotations

import numpy as np

from slipway.evaluation.metrics import evaluate, sample
from slipway.evaluation.resampling import Resampling, _day_weights, difference, estimate

PLAN = Resampling(resamples=300, confidence=0.95, seed=1)


def test_interval_covers_the_truth_although_rows_of_a_day_are_alike() -> None:
    """100 samples in which a day's rows share their luck: about 95 of the intervals must hold the true value."""
    draws = np.random.default_rng(2)
    true_brier = 0.25 * 0.64 + 0.75 * 0.04  # of a constant score of 0.2 at a rate of 2 / (2 + 6)
    hits = 0
    for _ in range(100):
        luck = draws.beta(2, 6, 80)
        day = np.repeat(np.arange(80), 30)
        label = (draws.random(len(day)) < luck[day]).astype(float)
        found = estimate(sample(label, day), np.full(len(day), 0.2), PLAN)["brier"]
        hits += found.low <= true_brier <= found.high
    assert 88 <= hits <= 100


def test_pairing_makes_a_small_difference_visible() -> None:
    draws = np.random.default_rng(3)
    day = np.repeat(np.arange(60), 50)
    truth = np.clip(draws.beta(2, 5, 60)[day], 0.05, 0.9)
    label = (draws.random(len(day)) < truth).astype(float)
    blurred = np.clip(truth + draws.normal(0, 0.1, len(day)), 0.02, 0.98)
    data = sample(label, day)
    apart = [estimate(data, score, PLAN)["log_loss"] for score in (truth, blurred)]
    assert apart[0].high > apart[1].low
    assert difference(data, truth, blurred, PLAN)["log_loss"].low > 0


def test_equal_scores_differ_by_nothing() -> None:
    data = sample(np.array([0.0, 1.0] * 20), np.arange(40))
    score = np.linspace(0.2, 0.8, 40)
    assert all(
        entry.as_dict() == {"value": 0, "low": 0, "high": 0} for entry in difference(data, score, score, PLAN).values()
    )


def test_same_seed_same_interval() -> None:
    data = sample(np.array([0.0, 1.0, 1.0, 0.0] * 10), np.arange(40))
    score = np.linspace(0.1, 0.9, 40)
    assert estimate(data, score, PLAN) == estimate(data, score, PLAN)


def test_interval_ends_at_the_quantiles_of_the_resamples_and_follows_the_seed() -> None:
    draws = np.random.default_rng(5)
    data = sample((draws.random(900) < 0.3).astype(float), np.repeat(np.arange(90), 10))
    score = np.clip(draws.normal(0.3, 0.1, 900), 0.01, 0.99)
    values = evaluate(data, score, _day_weights(data.days, PLAN))["brier"]
    found = estimate(data, score, PLAN)["brier"]
    assert [found.low, found.high] == list(np.quantile(values[1:], [0.025, 0.975]))
    assert found.value == values[0]
    other = estimate(data, score, Resampling(resamples=300, confidence=0.95, seed=2))["brier"]
    assert other.value == found.value
    assert (other.low, other.high) != (found.low, found.high)
