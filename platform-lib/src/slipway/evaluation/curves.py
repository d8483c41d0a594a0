"""Curves for drawing, thinned to a few hundred points."""

from __future__ import annotations

from typing import Any

import numpy as np

from slipway.evaluation.metrics import Floats

POINTS = 200


def receiver_operating(label: Floats, score: Floats) -> list[dict[str, float]]:
    """ROC curve: false and true positive rate, from the strictest threshold to the laxest."""
    positives, negatives = _cumulative(label, score)
    return _thinned(false_positive_rate=negatives / negatives[-1], true_positive_rate=positives / positives[-1])


def precision_recall(label: Floats, score: Floats) -> list[dict[str, float]]:
    """Precision at each recall."""
    positives, negatives = _cumulative(label, score)
    flagged = positives + negatives
    kept = flagged > 0
    return _thinned(recall=positives[kept] / positives[-1], precision=positives[kept] / flagged[kept])


def reliability(label: Floats, score: Floats, bins: int) -> list[dict[str, Any]]:
    """Mean score and observed rate in ``bins`` groups of equal size, by rising score."""
    groups = np.array_split(np.argsort(score, kind="stable"), bins)
    return [
        {"rows": len(group), "score": float(score[group].mean()), "rate": float(label[group].mean())}
        for group in groups
        if len(group)
    ]


def expected_calibration_error(groups: list[dict[str, Any]]) -> float:
    """Mean distance of score and observed rate over the groups of :func:`reliability`, weighted by rows."""
    rows = sum(group["rows"] for group in groups)
    return float(sum(group["rows"] * abs(group["score"] - group["rate"]) for group in groups) / rows)


def _cumulative(label: Floats, score: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-score, kind="stable")
    positives = np.concatenate(([0.0], np.cumsum(label[order])))
    return positives, np.asarray(np.arange(len(positives)) - positives, np.float64)


def _thinned(**columns: Floats) -> list[dict[str, float]]:
    size = len(next(iter(columns.values())))
    kept = np.unique(np.linspace(0, size - 1, min(POINTS, size)).astype(int))
    return [{name: float(values[place]) for name, values in columns.items()} for place in kept]
