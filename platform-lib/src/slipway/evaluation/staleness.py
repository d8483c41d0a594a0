"""What a model loses as it grows old: trained through each earlier month, judged on the months after.

Months differ in how hard they are, so a model is compared, row by row, with the freshest one for the same month (that
trained through the month before). An older model has also seen less history: the curve says what not retraining costs,
not what age alone does. The features' own state (numbers of categories) is that of the release for all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from slipway.evaluation.metrics import Floats, row_log_loss
from slipway.evaluation.resampling import Resampling, difference
from slipway.evaluation.retraining import Learner, Rows, side_by_side


@dataclass(frozen=True)
class _Pair:
    """A model trained through one month and its scores of a later one, ``age`` months on."""

    trained_through: str
    judged: str
    age: int
    rows: Rows
    score: Floats


def curve(
    rows: Rows, judged: Sequence[str], first: int, learn: Learner, plan: Resampling, advance: Callable[[int], None]
) -> dict[str, Any]:
    """Log loss by age in months.

    Args:
        rows: of all months, in order of time and without a gap.
        judged: the months to judge on, the last ones of ``rows``.
        first: the fewest months to train on.
        learn: how to train.
        plan: how intervals are made.
        advance: told of each training that is done.

    Returns:
        JSON-ready: "ages" with the log loss and what it is "above_freshest", over all months that have a model of
        that age, and "months", each model on each month.
    """
    ends = trainings(rows, first)
    jobs = [partial(_scores, rows, end, judged, learn) for end in ends]
    pairs = [
        pair
        for end, score in zip(ends, side_by_side(jobs, advance), strict=True)
        for pair in _pairs(rows, end, judged, score)
    ]
    return {
        "ages": [_age(pairs, age, plan) for age in sorted({pair.age for pair in pairs})],
        "months": [
            {
                "trained_through": pair.trained_through,
                "judged": pair.judged,
                "age": pair.age,
                "rows": len(pair.score),
                "log_loss": float(row_log_loss(pair.rows.label, pair.score).mean()),
            }
            for pair in pairs
        ],
    }


def trainings(rows: Rows, first: int) -> list[str]:
    """The months through which a model is trained: all but the last, from the ``first``-th on."""
    return [str(period) for period in np.unique(rows.period)[first - 1 : -1]]


def _scores(rows: Rows, end: str, judged: Sequence[str], learn: Learner) -> Floats:
    past = rows.where(rows.period <= end)
    return learn(past.features, past.label)(_later(rows, end, judged).features)


def _later(rows: Rows, end: str, judged: Sequence[str]) -> Rows:
    return rows.where(np.isin(rows.period, list(judged)) & (rows.period > end))


def _pairs(rows: Rows, end: str, judged: Sequence[str], score: Floats) -> list[_Pair]:
    periods = list(np.unique(rows.period))
    later = _later(rows, end, judged)
    found = []
    for month in np.unique(later.period):
        chosen = later.period == month
        age = periods.index(month) - periods.index(end)
        found.append(_Pair(end, str(month), age, later.where(chosen), score[chosen]))
    return found


def _age(pairs: Sequence[_Pair], age: int, plan: Resampling) -> dict[str, Any]:
    freshest = {pair.judged: pair.score for pair in pairs if pair.age == 1}
    chosen = sorted((pair for pair in pairs if pair.age == age and pair.judged in freshest), key=lambda p: p.judged)
    rows = chosen[0].rows
    for pair in chosen[1:]:
        rows = rows.joined(pair.rows)
    score = np.concatenate([pair.score for pair in chosen])
    fresh = np.concatenate([freshest[pair.judged] for pair in chosen])
    return {
        "age": age,
        "judged": [pair.judged for pair in chosen],
        "rows": len(score),
        "log_loss": float(row_log_loss(rows.label, score).mean()),
        "above_freshest": difference(rows.sample, fresh, score, plan, ["log_loss"])["log_loss"].as_dict(),
    }
