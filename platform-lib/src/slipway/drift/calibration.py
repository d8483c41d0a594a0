"""The threshold of each figure, from its values in weeks without drift.

An effect lies in 0..1 and its spread grows with its level, so it is taken as a logit, centred and scaled by the
figure's own history. A week's score is the largest of its figures. The family's threshold is the level that such
maxima pass at the stated rate; they are cross-fitted (each week scored by a calibration that has not seen its
month), for a maximum scored by its own calibration is too small.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slipway.errors import UsageError

# Below this spread (in logits) differences are chance: no figure may be scaled up by dividing by almost nothing.
LEAST_SPREAD = 0.3
_EULER = 0.5772156649015329

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """Centre and spread of each figure's logit, arrays of shape (figures,), and the threshold of a week's score."""

    centre: Matrix
    spread: Matrix
    family_threshold: float
    material_effect: float

    def scores(self, effects: Matrix) -> Matrix:
        """How far each effect lies above the figure's centre, in spreads; the shape is kept, figures last."""
        return (_logit(effects, self.material_effect) - self.centre) / self.spread

    def thresholds(self) -> Matrix:
        """The effect above which each figure has drifted, shape (figures,)."""
        passing: Matrix = 1.0 / (1.0 + np.exp(-(self.centre + self.family_threshold * self.spread)))
        return passing


def calibrate(effects: Matrix, months: Sequence[str], material_effect: float, family_alarm_rate: float) -> Calibration:
    """Learn thresholds from null windows.

    Args:
        effects: shape (windows, figures), each in 0..1.
        months: the month of each window, at least three different ones.
        material_effect: smaller effects count as this one, so that a difference nobody would act on never alarms.
        family_alarm_rate: how often a week without drift may alarm, over all figures together.

    Raises:
        UsageError: too few months to learn from.
    """
    groups = np.asarray(months)
    if len(np.unique(groups)) < 3:
        raise UsageError(
            f"The drift alarm cannot be calibrated on {len(np.unique(groups))} month(s) of null windows; it needs 3.",
            "Give it more history, or a later split.train_through.",
        )
    maxima = np.concatenate([
        _fit(effects[groups != month], material_effect).scores(effects[groups == month]).max(axis=1)
        for month in np.unique(groups)
    ])  # fmt: skip
    plain = _fit(effects, material_effect)
    return Calibration(plain.centre, plain.spread, gumbel_quantile(maxima, 1.0 - family_alarm_rate), material_effect)


def gumbel_quantile(maxima: Matrix, probability: float) -> float:
    """The quantile of the Gumbel distribution with the mean and variance of ``maxima``.

    A maximum over figures tends to that distribution, and a few dozen weeks hold no 99 % quantile of their own.
    """
    scale = float(maxima.std(ddof=1)) * math.sqrt(6.0) / math.pi
    return float(maxima.mean()) - _EULER * scale - scale * math.log(-math.log(probability))


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """The 95 % Wilson interval of a rate; (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    z = 1.959963984540054
    rate, width = hits / trials, z * z / trials
    middle = (rate + width / 2) / (1 + width)
    half = z / (1 + width) * math.sqrt(rate * (1 - rate) / trials + width / (4 * trials))
    return max(0.0, middle - half), min(1.0, middle + half)


def _fit(effects: Matrix, material_effect: float) -> Calibration:
    logits = _logit(effects, material_effect)
    spread = np.maximum(logits.std(axis=0, ddof=1), LEAST_SPREAD)
    return Calibration(logits.mean(axis=0), spread, math.inf, material_effect)


def _logit(effects: Matrix, material_effect: float) -> Matrix:
    clipped = np.clip(effects, material_effect, 1.0 - material_effect)
    logits: Matrix = np.log(clipped / (1.0 - clipped))
    return logits
