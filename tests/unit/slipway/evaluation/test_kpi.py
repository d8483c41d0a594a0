"""Costs of decisions, and the threshold that follows from them."""

from __future__ import annotations

import numpy as np
import pytest

from slipway.errors import UsageError
from slipway.evaluation import kpi

COSTS = kpi.Costs(acted_on_time=45, acted_on_late=90, missed_late=240)
LABEL = np.array([0.0, 0.0, 1.0, 1.0])


def test_cost_counts_each_outcome() -> None:
    assert kpi.cost(LABEL, np.array([0.9, 0.1, 0.9, 0.1]), 0.5, COSTS) == 1000 * (45 + 0 + 90 + 240) / 4


def test_threshold_is_where_acting_becomes_cheaper() -> None:
    at = COSTS.threshold()
    act = (1 - at) * 45 + at * 90
    wait = at * 240
    assert act == pytest.approx(wait)


def test_threshold_minimises_the_cost_of_calibrated_scores() -> None:
    draws = np.random.default_rng(4)
    score = draws.beta(1, 3, 200_000)
    label = (draws.random(len(score)) < score).astype(float)
    cheapest = min(kpi.curve(label, score, COSTS), key=lambda point: point["cost"])
    assert cheapest["threshold"] == pytest.approx(COSTS.threshold(), abs=0.03)


@pytest.mark.parametrize("costs", [(0, 90, 240), (45, 240, 240), (45, -1, 240)])
def test_costs_that_leave_nothing_to_decide_are_refused(costs: tuple[float, float, float]) -> None:
    with pytest.raises(UsageError, match="leave nothing to decide"):
        kpi.Costs(*costs)


def test_summary_saves_against_the_cheaper_of_never_and_always() -> None:
    found = kpi.summary(LABEL, LABEL, COSTS)
    assert found["cost_never_acting"] == 120_000
    assert found["cost_always_acting"] == 67_500
    assert found["saved"] == 67_500 - 45_000


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 1.0])
def test_what_one_case_costs_on_average_turns_at_the_threshold(probability: float) -> None:
    acting, waiting = COSTS.acting(probability), COSTS.waiting(probability)
    assert acting == pytest.approx(45 * (1 - probability) + 90 * probability)
    assert waiting == pytest.approx(240 * probability)
    assert (acting < waiting) == (probability > COSTS.threshold())
