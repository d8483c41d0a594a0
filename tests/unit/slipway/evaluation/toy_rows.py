"""Rows whose label follows from some of their features, and a quick learner."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from slipway.evaluation.metrics import Floats
from slipway.evaluation.retraining import Predictor, Rows

# alone: no other feature says it; twin and copy: the same thing twice; noise: nothing.
NAMES = ("alone", "twin", "copy", "noise")
ROWS_OF_A_DAY = 100


def rows(months: int, seed: int, turning: float = 0.0) -> Rows:
    """Months of 20 days; with each month the meaning of "alone" turns by ``turning`` radians into that of "noise"."""
    source = np.random.default_rng(seed)
    count = months * 20 * ROWS_OF_A_DAY
    day = np.arange(count) // ROWS_OF_A_DAY
    month = day // 20
    features = source.normal(size=(count, 4))
    features[:, 2] = features[:, 1] + 1e-3 * source.normal(size=count)
    angle = turning * month
    signal = 1.5 * (np.cos(angle) * features[:, 0] + np.sin(angle) * features[:, 3]) + features[:, 1]
    label = (source.uniform(size=count) < 1 / (1 + np.exp(-signal))).astype(float)
    return Rows(features, label, np.array([f"2020-{number + 1:02d}" for number in month]), day)


def learn(features: Floats, label: Floats, reseed: int = 0) -> Predictor:
    """Logistic regression on a bootstrap sample that ``reseed`` draws; what is missing counts as 0."""
    chosen = np.random.default_rng(reseed).integers(0, len(label), len(label))
    fitted = LogisticRegression().fit(np.nan_to_num(features[chosen]), label[chosen])
    return lambda rows: np.asarray(fitted.predict_proba(np.nan_to_num(rows))[:, 1])
