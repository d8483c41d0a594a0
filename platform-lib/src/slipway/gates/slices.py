"""Gate ``slices``: no group of rows is served worse than by its own history.

For each slice the model's log loss is held against that of the plainest answer there is: the slice's rate in the
training rows. A slice is red when the model is worse by more than the margin, beyond what chance explains over
all slices together (Holm 1979; the standard error counts days, not rows, as independent).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Interval
from numpy.typing import NDArray
from scipy.special import stdtr

from slipway.evaluation.metrics import Floats, Sample, row_log_loss
from slipway.gates.verdict import Verdict

_FEWEST_DAYS = 10


@dataclass(frozen=True)
class Thresholds:
    """The tolerated excess of log loss, the family-wise error rate, and the rows from which a slice is judged."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    margin: Annotated[float, Gt(0)]
    significance: Annotated[float, Interval(gt=0, lt=1)]
    min_rows: Annotated[int, Ge(30)]


@dataclass(frozen=True)
class Slice:
    """One group: its name ("carrier=UA"), which rows are in it, and its rate in the training rows."""

    name: str
    rows: NDArray[np.bool_]
    past_rate: float


def judge(data: Sample, score: Floats, slices: list[Slice], thresholds: Thresholds) -> Verdict:
    """Judge every slice that is large enough (rows, and days); the others are named as too small."""
    large = [entry for entry in slices if _large_enough(data, entry, thresholds)]
    measured = [_excess(data, score, entry, thresholds.margin) for entry in large]
    adjusted = _holm([entry["p_value"] for entry in measured])
    found = [entry | {"adjusted_p_value": p} for entry, p in zip(measured, adjusted, strict=True)]
    bad = [entry for entry in found if entry["adjusted_p_value"] < thresholds.significance]
    return Verdict(
        gate="slices",
        passed=not bad and bool(found),
        reason=_sentence(bad, found, thresholds),
        figures={
            "slices": found,
            "too_small": [entry.name for entry in slices if entry not in large],
        },
        thresholds=asdict(thresholds),
    )


def _large_enough(data: Sample, entry: Slice, thresholds: Thresholds) -> bool:
    days = len(np.unique(data.day[entry.rows]))
    return bool(entry.rows.sum() >= thresholds.min_rows and days >= _FEWEST_DAYS)


def _excess(data: Sample, score: Floats, entry: Slice, margin: float) -> dict[str, Any]:
    label, day = data.label[entry.rows], data.day[entry.rows]
    history = np.full(len(label), np.clip(entry.past_rate, 1e-3, 1 - 1e-3))
    loss = row_log_loss(label, score[entry.rows]) - row_log_loss(label, history)
    mean = float(loss.mean())
    by_day = np.bincount(day, loss - mean, data.days)
    days = len(np.unique(day))
    # Cluster-robust standard error of a mean, days as clusters (Cameron and Miller 2015, eq. 10).
    spread = float(np.sqrt(np.sum(by_day**2) * days / max(days - 1, 1))) / len(label)
    p_value = float(stdtr(days - 1, (margin - mean) / spread)) if spread > 0 else float(mean <= margin)
    if not np.isfinite(mean):  # a score that is no number serves nobody
        p_value = 0.0
    return {"slice": entry.name, "rows": len(label), "excess_log_loss": mean, "p_value": p_value}


def _holm(p_values: list[float]) -> list[float]:
    order = np.argsort(p_values, kind="stable")
    adjusted, highest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def _sentence(bad: list[dict[str, Any]], found: list[dict[str, Any]], thresholds: Thresholds) -> str:
    if not found:
        return f"No slice has the {thresholds.min_rows} rows that a judgement needs."
    if not bad:
        worst = max(found, key=lambda entry: entry["excess_log_loss"])
        return (
            f"None of {len(found)} slices is served worse than by its past rate beyond {thresholds.margin:g}; "
            f"the nearest is {worst['slice']} with {worst['excess_log_loss']:+.4f}."
        )
    named = ", ".join(f"{entry['slice']} ({entry['excess_log_loss']:+.4f})" for entry in bad)
    return f"Served worse than by their past rate, in log loss by more than {thresholds.margin:g}: {named}."
