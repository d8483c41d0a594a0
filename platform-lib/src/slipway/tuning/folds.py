"""Time-ordered folds inside the training months."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from slipway.errors import UsageError
from slipway.evaluation.retraining import Rows


@dataclass(frozen=True)
class Fold:
    """Train on every month through ``trained_through``, judge on the month ``judged`` that follows it."""

    trained_through: str
    judged: str

    def split(self, rows: Rows) -> tuple[Rows, Rows]:
        """The rows to train on and those to judge on."""
        return rows.where(rows.period <= self.trained_through), rows.where(rows.period == self.judged)


def folds(rows: Rows, count: int) -> Sequence[Fold]:
    """The newest ``count`` folds, in order of time.

    Raises:
        UsageError: when there are too few months for them.
    """
    months = [str(month) for month in np.unique(rows.period)]
    if not 2 <= count < len(months):
        raise UsageError(
            f"{count} folds cannot be made of {len(months)} training months.",
            f"Each fold is judged on a month of its own; 2 to {len(months) - 1} can be made."
            if len(months) > 2
            else "Train through a later month (split.train_through).",
        )
    pairs = pairwise(months)
    return [Fold(past, judged) for past, judged in pairs][-count:]
