"""Curves keep their ends, and the calibration error is what its definition says."""

from __future__ import annotations

import numpy as np
import pytest

from slipway.evaluation import curves

DRAWS = np.random.default_rng(6)
SCORE = DRAWS.beta(2, 4, 10_000)
LABEL = (DRAWS.random(10_000) < SCORE).astype(float)


def test_roc_runs_from_corner_to_corner() -> None:
    points = curves.receiver_operating(LABEL, SCORE)
    assert len(points) == curves.POINTS
    assert points[0] == {"false_positive_rate": 0, "true_positive_rate": 0}
    assert points[-1] == {"false_positive_rate": 1, "true_positive_rate": 1}


def test_precision_ends_at_the_rate() -> None:
    assert curves.precision_recall(LABEL, SCORE)[-1] == {"recall": 1, "precision": pytest.approx(LABEL.mean())}


def test_calibrated_scores_have_a_small_error_and_squared_ones_a_large_one() -> None:
    assert curves.expected_calibration_error(curves.reliability(LABEL, SCORE, 10)) < 0.02
    assert curves.expected_calibration_error(curves.reliability(LABEL, SCORE**2, 10)) > 0.15


def test_groups_hold_every_row_once() -> None:
    groups = curves.reliability(LABEL, SCORE, 7)
    assert sum(group["rows"] for group in groups) == len(LABEL)


def test_errors_of_opposite_sign_do_not_cancel() -> None:
    label = np.array([0.0, 1.0] * 500)
    score = np.where(np.arange(1000) < 500, 0.3, 0.7)
    assert curves.expected_calibration_error(curves.reliability(label, score, 2)) == pytest.approx(0.2)
