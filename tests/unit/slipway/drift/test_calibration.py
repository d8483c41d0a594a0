from __future__ import annotations

import math

import numpy as np
import pytest

from slipway.drift.calibration import LEAST_SPREAD, calibrate, gumbel_quantile, wilson
from slipway.errors import UsageError

MONTHS = [f"2013-{month:02}" for month in range(1, 11) for _ in range(4)]


def effects(seed: int = 3, figures: int = 12) -> np.ndarray:
    return np.random.default_rng(seed).beta(4, 16, size=(len(MONTHS), figures))


def test_gumbel_quantile_of_gumbel_maxima() -> None:
    maxima = np.random.default_rng(5).gumbel(2.0, 0.5, size=200_000)
    assert gumbel_quantile(maxima, 0.99) == pytest.approx(2.0 - 0.5 * math.log(-math.log(0.99)), rel=0.01)


def test_thresholds_are_effects_and_a_rarer_alarm_needs_a_larger_one() -> None:
    lax = calibrate(effects(), MONTHS, 0.02, 0.05).thresholds()
    strict = calibrate(effects(), MONTHS, 0.02, 0.01).thresholds()
    assert ((lax > 0) & (lax < 1)).all()
    assert (strict > lax).all()


def test_score_passes_the_family_threshold_where_the_effect_passes_its_own() -> None:
    found = calibrate(effects(), MONTHS, 0.02, 0.01)
    assert (found.scores(found.thresholds() + 1e-6) > found.family_threshold).all()
    assert (found.scores(found.thresholds() - 1e-6) < found.family_threshold).all()


def test_family_wise_rate_holds_on_unseen_windows() -> None:
    found = calibrate(effects(), MONTHS, 0.02, 0.05)
    unseen = np.random.default_rng(8).beta(4, 16, size=(5000, 12))
    assert (unseen > found.thresholds()).any(axis=1).mean() < 0.08


def test_effects_below_the_material_one_never_alarm() -> None:
    tiny = np.random.default_rng(1).uniform(0, 0.001, size=(len(MONTHS), 3))
    assert (calibrate(tiny, MONTHS, 0.02, 0.01).thresholds() >= 0.02).all()


def test_spread_has_a_floor() -> None:
    same = np.full((len(MONTHS), 2), 0.1)
    np.testing.assert_array_equal(calibrate(same, MONTHS, 0.02, 0.01).spread, LEAST_SPREAD)


def test_each_month_is_scored_without_itself() -> None:
    odd = effects()
    odd[:4, 0] = 0.9
    plain = (np.log(odd / (1 - odd)) - np.log(odd / (1 - odd)).mean(0)) / np.log(odd / (1 - odd)).std(0, ddof=1)
    within = gumbel_quantile(plain.max(axis=1), 0.99)
    assert calibrate(odd, MONTHS, 0.02, 0.01).family_threshold > within


def test_equal_input_gives_equal_bits() -> None:
    first, second = (calibrate(effects(), MONTHS, 0.02, 0.01) for _ in range(2))
    assert first.thresholds().tobytes() == second.thresholds().tobytes()


def test_too_few_months_are_refused() -> None:
    with pytest.raises(UsageError, match=r"2 month\(s\)"):
        calibrate(effects()[:8], MONTHS[:8], 0.02, 0.01)


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)]
)
def test_wilson(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson(hits, trials) == pytest.approx((low, high), abs=1e-4)


def test_wilson_without_trials_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
