"""Intervals by resampling whole days with replacement.

Flights of one day share weather and congestion, so rows are not independent; days nearly are. Resampling rows
would give intervals that are too narrow (Davison and Hinkley 1997, section 3.8). Two models are compared on the
same resamples, so that what they share cancels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slipway.evaluation.metrics import NAMES, Floats, Sample, evaluate


@dataclass(frozen=True)
class Resampling:
    """How many resamples, the interval's confidence (0.95), and the seed."""

    resamples: int
    confidence: float
    seed: int


@dataclass(frozen=True)
class Estimate:
    """A value on the sample itself, and the ends of its percentile interval."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        return {"value": self.value, "low": self.low, "high": self.high}


def estimate(data: Sample, score: Floats, plan: Resampling) -> dict[str, Estimate]:
    """Each measure of ``score`` with its interval."""
    values = evaluate(data, score, _day_weights(data.days, plan))
    return {name: _interval(value, plan) for name, value in values.items()}


def difference(
    data: Sample, first: Floats, second: Floats, plan: Resampling, names: Sequence[str] = NAMES
) -> dict[str, Estimate]:
    """Each measure (of ``names``) of ``second`` minus that of ``first``, paired: both on the same resamples."""
    weights = _day_weights(data.days, plan)
    before, after = (evaluate(data, score, weights, names) for score in (first, second))
    return {name: _interval(after[name] - before[name], plan) for name in before}


def _day_weights(days: int, plan: Resampling) -> Floats:
    """Row 0 is the sample itself; the others count how often each day was drawn."""
    draws = np.random.default_rng(plan.seed).multinomial(days, np.full(days, 1 / days), plan.resamples)
    return np.vstack([np.ones(days), draws.astype(np.float64)])


def _interval(values: Floats, plan: Resampling) -> Estimate:
    tail = (1 - plan.confidence) / 2
    drawn = values[1:][np.isfinite(values[1:])]
    low, high = np.quantile(drawn, [tail, 1 - tail]) if len(drawn) else (np.nan, np.nan)
    return Estimate(float(values[0]), float(low), float(high))
