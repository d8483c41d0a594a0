"""What decisions at a threshold cost, in the currency of model.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from slipway.errors import UsageError
from slipway.evaluation.metrics import Floats

PER_CASES = 1000


@dataclass(frozen=True)
class Costs:
    """Cost of each outcome of one case; doing nothing about a case that ends well costs nothing.

    Attributes:
        acted_on_time: acted although it was not needed.
        acted_on_late: acted, and it was needed.
        missed_late: not acted, and it was needed.
    """

    acted_on_time: float
    acted_on_late: float
    missed_late: float

    def __post_init__(self) -> None:
        if not (self.acted_on_time > 0 and self.missed_late > self.acted_on_late >= 0):
            raise UsageError(
                f"The KPI's costs {self} leave nothing to decide.",
                "In model.yaml, make acted_on_time > 0 and missed_late > acted_on_late >= 0.",
            )

    def threshold(self) -> float:
        """The probability from which acting is the cheaper choice (Bayes decision; Elkan 2001)."""
        return self.acted_on_time / (self.acted_on_time + self.missed_late - self.acted_on_late)

    def acting(self, probability: float) -> float:
        """What acting on one case costs on average."""
        return (1 - probability) * self.acted_on_time + probability * self.acted_on_late

    def waiting(self, probability: float) -> float:
        """What leaving one case alone costs on average."""
        return probability * self.missed_late


def cost(label: Floats, score: Floats, threshold: float, costs: Costs) -> float:
    """Mean cost per 1,000 cases when acting on each score of at least ``threshold``."""
    acted = score >= threshold
    late = label == 1
    total = (
        costs.acted_on_time * np.sum(acted & ~late)
        + costs.acted_on_late * np.sum(acted & late)
        + costs.missed_late * np.sum(~acted & late)
    )
    return float(PER_CASES * total / len(label))


def curve(label: Floats, score: Floats, costs: Costs) -> list[dict[str, float]]:
    """Cost per 1,000 cases at each of 101 thresholds."""
    return [{"threshold": float(at), "cost": cost(label, score, float(at), costs)} for at in np.linspace(0, 1, 101)]


def summary(label: Floats, score: Floats, costs: Costs) -> dict[str, Any]:
    """The KPI at the decision threshold, beside never acting and always acting."""
    at = costs.threshold()
    with_model = cost(label, score, at, costs)
    never = cost(label, score, np.inf, costs)
    always = cost(label, score, -np.inf, costs)
    return {
        "per_cases": PER_CASES,
        "threshold": at,
        "cost": with_model,
        "cost_never_acting": never,
        "cost_always_acting": always,
        "saved": min(never, always) - with_model,
    }
