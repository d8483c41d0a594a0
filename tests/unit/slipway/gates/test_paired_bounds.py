"""Gates baseline and challenger decide by the interval's worse end, never by the value alone."""

from __future__ import annotations

import numpy as np
import pytest

from slipway.evaluation.metrics import sample
from slipway.evaluation.resampling import Estimate, Resampling
from slipway.gates import baseline, challenger

PLAN = Resampling(resamples=100, confidence=0.95, seed=1)
DATA = sample(np.array([0.0, 1.0] * 10), np.arange(20))
SCORE = np.linspace(0.1, 0.9, 20)


def fixed(monkeypatch: pytest.MonkeyPatch, module: object, value: float, low: float, high: float) -> None:
    monkeypatch.setattr(module, "gain", lambda *_: Estimate(value, low, high))


def test_baseline_needs_the_low_end(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = baseline.Thresholds(metric="log_loss", min_gain=0.01)
    for low, passed in ((0.005, False), (0.02, True), (float("nan"), False)):
        fixed(monkeypatch, baseline, 0.05, low, 0.1)
        assert baseline.judge(DATA, SCORE, {"constant": SCORE}, PLAN, limits).passed is passed


@pytest.mark.parametrize(
    ("low", "high", "passed", "said"),
    [
        (0.01, 0.03, True, "The challenger is better than the champion"),
        (-0.002, 0.01, True, "No significant difference to the champion, within the margin"),
        (-0.004, -0.001, True, "The challenger is worse than the champion, within the margin"),
        (-0.02, 0.03, False, "No significant difference to the champion, but a loss beyond 0.005 cannot be ruled out"),
        (-0.03, -0.01, False, "The challenger is worse than the champion"),
        (float("nan"), float("nan"), False, "is not a finite number"),
    ],
)
def test_challenger_needs_the_low_end(
    monkeypatch: pytest.MonkeyPatch, low: float, high: float, passed: bool, said: str
) -> None:
    fixed(monkeypatch, challenger, (low + high) / 2, low, high)
    limits = challenger.Thresholds(metric="log_loss", margin=0.005)
    verdict = challenger.judge(DATA, SCORE, challenger.Champion("c" * 64, SCORE), PLAN, limits)
    assert verdict.passed is passed
    assert said in verdict.reason


def test_a_score_that_is_no_number_beats_nothing() -> None:
    """Sorted last, a NaN would rank as the best or the worst."""
    score = np.where(DATA.label == 0, np.nan, 0.5)
    limits = baseline.Thresholds(metric="auc", min_gain=0.0)
    assert not baseline.judge(DATA, score, {"constant": np.full(20, 0.5)}, PLAN, limits).passed
