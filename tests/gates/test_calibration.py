"""Gate ``calibration``: scores that do not mean what they say are red."""

from __future__ import annotations

import numpy as np
import pytest

from slipway.configuration import Gates
from slipway.evaluation.metrics import Floats
from slipway.gates import calibration
from tests.gates.conftest import Season


def test_real_model_passes(season: Season, limits: Gates) -> None:
    verdict = calibration.judge(season.data.label, season.score, limits.calibration)
    assert verdict.passed, verdict.reason
    assert len(verdict.figures["reliability"]) == limits.calibration.bins


@pytest.mark.parametrize(
    "distort",
    [
        pytest.param(lambda score: score**2, id="squared"),
        pytest.param(np.sqrt, id="rooted"),
        pytest.param(lambda score: 1 - score, id="upside down"),
        pytest.param(lambda score: np.where(score > 0.9, np.nan, score), id="not a number"),
    ],
)
def test_fault_scores_distorted(season: Season, limits: Gates, distort: type[Floats]) -> None:
    verdict = calibration.judge(season.data.label, distort(season.score), limits.calibration)
    assert verdict.gate == "calibration"
    assert not verdict.passed
    assert "beyond the" in verdict.reason
