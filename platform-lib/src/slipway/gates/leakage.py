"""Gate ``leakage``: no feature knows what only the outcome reveals.

Three independent looks, because a leak that hides from one shows in another:

* a single feature that separates the classes too well by itself;
* a feature that is a straight-line copy of an outcome column, whatever it is called;
* time travel: features computed from the sources as they stood at the moment of asking must equal, bit by
  bit, those that training used.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import polars as pl
from annotated_types import Interval

from slipway.evaluation.metrics import auc
from slipway.gates.verdict import Verdict


@dataclass(frozen=True)
class Thresholds:
    """The highest single-feature AUC, and the highest absolute correlation of a feature with an outcome."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    max_single_feature_auc: Annotated[float, Interval(gt=0.5, le=1)]
    max_outcome_correlation: Annotated[float, Interval(gt=0, lt=1)]


@dataclass(frozen=True)
class TimeTravel:
    """The same rows' features twice: as training had them, and from the sources as of the moment of asking."""

    used: pl.DataFrame
    as_of: pl.DataFrame


def judge(
    features: pl.DataFrame, label: np.ndarray, outcomes: pl.DataFrame, travel: TimeTravel, thresholds: Thresholds
) -> Verdict:
    """Judge the features.

    Args:
        features: float columns, NaN or null for a missing value.
        label: shape (rows,), 0 or 1.
        outcomes: the columns known only afterwards, same rows.
        travel: see :class:`TimeTravel`.
        thresholds: see :class:`Thresholds`.
    """
    areas = {name: _separation(features[name], label) for name in features.columns}
    copies = {name: _closest_outcome(features[name], outcomes) for name in features.columns}
    travelled = _changed(travel)
    complaints = [
        *_too_good(areas, thresholds),
        *_copied(copies, thresholds),
        *_one_class(label),
        *_travel_complaints(travel, features.columns, travelled),
    ]
    best = max(areas, key=lambda name: areas[name])
    return Verdict(
        gate="leakage",
        passed=not complaints,
        reason=" ".join(complaints)
        or f"No feature knows the future: the strongest, {best}, reaches an AUC of {areas[best]:.3f} alone, "
        f"and {travel.used.height} rows recomputed as of their hour are unchanged.",
        figures={
            "single_feature_auc": areas,
            "closest_outcome": {name: {"outcome": which, "correlation": r} for name, (which, r) in copies.items()},
            "time_travel": {"rows": travel.used.height, "changed": travelled},
        },
        thresholds=asdict(thresholds),
    )


def _separation(feature: pl.Series, label: np.ndarray) -> float:
    """AUC of the feature where it is known, or of whether it is known, whichever separates better."""
    values = feature.cast(pl.Float64).fill_null(np.nan).to_numpy()
    known = np.isfinite(values)
    areas = [_area(label[known], values[known]), _area(label, known.astype(np.float64))]
    return max(max(area, 1 - area) for area in areas)


def _area(label: np.ndarray, values: np.ndarray) -> float:
    return auc(label, values) if 0 < label.sum() < len(label) else 0.5


def _closest_outcome(feature: pl.Series, outcomes: pl.DataFrame) -> tuple[str, float]:
    strength = {name: _correlation(feature, outcomes[name]) for name in outcomes.columns}
    closest = max(strength, key=lambda name: strength[name])
    return closest, strength[closest]


def _correlation(feature: pl.Series, outcome: pl.Series) -> float:
    pair = pl.DataFrame({"a": feature.cast(pl.Float64), "b": outcome.cast(pl.Float64)}).fill_nan(None).drop_nulls()
    value: Any = pair.select(pl.corr("a", "b")).item() if pair.height > 1 else None
    return abs(float(value)) if value is not None and np.isfinite(value) else 0.0


def _one_class(label: np.ndarray) -> list[str]:
    return [] if 0 < label.sum() < len(label) else ["All labels are alike, so no feature can be seen to leak."]


def _travel_complaints(travel: TimeTravel, features: list[str], changed: list[str]) -> list[str]:
    if travel.used.columns != features or travel.as_of.columns != features:
        return ["The features recomputed as of their hour are not those that are judged."]
    if not travel.used.height:
        return ["No row was recomputed as of its hour, so nothing is known about time travel."]
    return [f"{name} changes when the sources are cut at the moment of asking." for name in changed]


def _changed(travel: TimeTravel) -> list[str]:
    return [
        name
        for name in travel.used.columns
        if name in travel.as_of.columns
        and travel.used[name].to_numpy().tobytes() != travel.as_of[name].to_numpy().tobytes()
    ]


def _too_good(areas: dict[str, float], thresholds: Thresholds) -> list[str]:
    limit = thresholds.max_single_feature_auc
    return [
        f"{name} alone reaches an AUC of {area:.3f}; above {limit} a feature is taken to know the outcome."
        for name, area in areas.items()
        if area > limit
    ]


def _copied(copies: dict[str, tuple[str, float]], thresholds: Thresholds) -> list[str]:
    limit = thresholds.max_outcome_correlation
    return [
        f"{name} is a copy of {outcome}, which is known only afterwards (correlation {strength:.4f})."
        for name, (outcome, strength) in copies.items()
        if strength > limit
    ]
