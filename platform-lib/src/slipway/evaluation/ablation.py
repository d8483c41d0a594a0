"""Does every feature earn its place? Retrain without it, and see what is lost on the evaluation months.

A feature earns its place alone when the log loss without it is higher than with it, beyond both kinds of noise: the
interval of the difference, from resampling whole days, lies above zero; and the difference is larger than any that
another seed makes. Features that stand in for each other (rank correlation) can each be missed although together they
cannot: those of a correlated group that do not earn alone are left out together, and earn together by the same rule.
A strong member earns for itself only; docs/decisions/ says why ("Features earn their place").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from slipway.evaluation.metrics import Floats, row_log_loss
from slipway.evaluation.resampling import Estimate, Resampling, difference
from slipway.evaluation.retraining import Learner, Rows, side_by_side

_CORRELATED_ROWS = 20_000


@dataclass(frozen=True)
class Ablation:
    """What to leave out and how to judge.

    Attributes:
        names: of the features, in the order of their columns.
        categorical: those whose numbers have no order, and so no rank correlation.
        correlation: absolute rank correlation from which two features are of one group.
        reseeded: how many other seeds show what chance does to a training.
        plan: how intervals are made.
    """

    names: Sequence[str]
    categorical: Sequence[str]
    correlation: float
    reseeded: int
    plan: Resampling


def ablate(
    past: Rows, future: Rows, learn: Learner, settings: Ablation, advance: Callable[[int], None]
) -> dict[str, Any]:
    """Train on ``past`` with and without each feature and each group, and compare on ``future``.

    Returns:
        JSON-ready: "rows" judged on, "log_loss" of the model with all features, "noise" (the largest difference by
        another seed), "features" and "groups" with "added_log_loss", "earns" and "harms" (the same rule, the other
        way round), "unearned" (names) and the log loss added "without_unearned".
    """

    def lose(*left_out: str, reseed: int = 0) -> Callable[[], Floats]:
        places = [settings.names.index(name) for name in left_out]
        return partial(_without, past, future, learn, places, reseed)

    reseeds = [lose(reseed=number) for number in range(1, settings.reseeded + 1)]
    singles = [lose(name) for name in settings.names]
    whole, *others = side_by_side([lose(), *reseeds, *singles], advance)
    added = partial(_added, future, whole, settings.plan)
    noise = max(abs(added(score).value) for score in others[: settings.reseeded])

    def judged(score: Floats) -> dict[str, Any]:
        found = added(score)
        earns, harms = found.low > 0 and found.value > noise, found.high < 0 and found.value < -noise
        return {"added_log_loss": found.as_dict(), "earns": earns, "harms": harms}

    without = others[settings.reseeded :]
    features = [{"feature": name, **judged(score)} for name, score in zip(settings.names, without, strict=True)]
    weak = [entry["feature"] for entry in features if not entry["earns"]]
    correlated = groups(past, settings)
    together = [group for members in correlated if len(group := [name for name in members if name in weak]) > 1]
    scores = side_by_side([lose(*group) for group in together], advance)
    advance(len(correlated) - len(together))
    joint = [{"features": group, **judged(score)} for group, score in zip(together, scores, strict=True)]
    saved = {name for entry in joint if entry["earns"] for name in entry["features"]}
    unearned = [name for name in weak if name not in saved]
    rest = [added(score) for score in side_by_side([lose(*unearned)] if unearned else [], advance)]
    return {
        "rows": len(future.label),
        "log_loss": float(row_log_loss(future.label, whole).mean()),
        "noise": noise,
        "features": features,
        "groups": joint,
        "unearned": unearned,
        "without_unearned": rest[0].as_dict() if rest else None,
    }


def trainings(past: Rows, settings: Ablation) -> int:
    """How many trainings :func:`ablate` makes at most."""
    return 1 + settings.reseeded + len(settings.names) + len(groups(past, settings)) + 1


def groups(past: Rows, settings: Ablation) -> list[list[str]]:
    """The groups of two or more features that hang together by rank correlation, in the order of the features."""
    rows = past.features[:: max(1, len(past.label) // _CORRELATED_ROWS)]
    table = pl.DataFrame(rows, schema=list(settings.names)).fill_nan(None)
    group = {name: {name} for name in settings.names}
    ordered = [name for name in settings.names if name not in settings.categorical]
    for place, first in enumerate(ordered):
        for second in ordered[place + 1 :]:
            if _correlation(table, first, second) >= settings.correlation and group[first] is not group[second]:
                group[first] |= group[second]
                for name in group[second]:
                    group[name] = group[first]
    distinct = {id(members): members for members in group.values() if len(members) > 1}
    return [[name for name in settings.names if name in members] for members in distinct.values()]


def _correlation(table: pl.DataFrame, first: str, second: str) -> float:
    found = table.select(first, second).drop_nulls().select(pl.corr(first, second, method="spearman")).item()
    return abs(found) if found is not None and np.isfinite(found) else 0.0


def _without(past: Rows, future: Rows, learn: Learner, places: list[int], reseed: int) -> Floats:
    """Scores of a model that saw nothing but missing values in the columns at ``places``, so that it has no use."""
    trained, judged = past.features, future.features
    if places:
        trained, judged = trained.copy(), judged.copy()
        trained[:, places] = judged[:, places] = np.nan
    return learn(trained, past.label, reseed)(judged)


def _added(future: Rows, whole: Floats, plan: Resampling, score: Floats) -> Estimate:
    return difference(future.sample, whole, score, plan, ["log_loss"])["log_loss"]
