"""The statistics of gate slices: the margin's sign, days as clusters, and many slices together."""

from __future__ import annotations

import numpy as np
import pytest

from slipway.evaluation.metrics import Floats, Sample, sample
from slipway.gates import slices

LIMITS = slices.Thresholds(margin=0.01, significance=0.05, min_rows=30)
DAYS, ROWS = 60, 40


def world(excess: float, seed: int, shared: float = 0.0) -> tuple[Sample, Floats, slices.Slice]:
    """A slice whose log loss exceeds that of its past rate by about ``excess``; ``shared`` luck of a day."""
    draws = np.random.default_rng(seed)
    day = np.repeat(np.arange(DAYS), ROWS)
    rate = np.clip(0.3 + shared * draws.normal(0, 1, DAYS)[day], 0.01, 0.99)
    label = (draws.random(len(day)) < rate).astype(float)
    # Around the true rate p, a score q costs KL(p, q) more than p itself.
    candidates = np.linspace(0.3, 0.9, 6001)
    divergence = 0.3 * np.log(0.3 / candidates) + 0.7 * np.log(0.7 / (1 - candidates))
    score = candidates[np.argmin(np.abs(divergence - excess))]
    everyone = slices.Slice("all", np.ones(len(day), bool), 0.3)
    return sample(label, day), np.full(len(day), score), everyone


def judged(excess: float, seed: int, shared: float = 0.0) -> dict[str, float]:
    data, score, everyone = world(excess, seed, shared)
    verdict = slices.judge(data, score, [everyone], LIMITS)
    return verdict.figures["slices"][0] | {"passed": verdict.passed}


def test_within_the_margin_is_green_and_well_beyond_it_is_red() -> None:
    assert all(judged(0.004, seed)["passed"] for seed in range(20))
    assert not any(judged(0.05, seed)["passed"] for seed in range(20))


def test_at_the_margin_false_alarms_keep_their_rate() -> None:
    alarms = sum(not judged(0.01, seed)["passed"] for seed in range(200))
    assert alarms <= 20  # 5 % of 200, and what chance adds


def test_luck_that_a_day_shares_does_not_count_as_so_many_rows() -> None:
    alarms = sum(not judged(0.01, seed, shared=0.12)["passed"] for seed in range(200))
    assert alarms <= 24  # with rows taken as independent it would be some 60


def test_holm_multiplies_the_smallest_by_the_number_of_slices() -> None:
    assert slices._holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert slices._holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])


def test_many_rows_on_few_days_are_too_small_to_judge() -> None:
    data, score, everyone = world(0.5, 1)
    few = slices.Slice("few", data.day < 4, 0.3)
    verdict = slices.judge(data, score, [everyone, few], LIMITS)
    assert verdict.figures["too_small"] == ["few"]
    assert not verdict.passed
