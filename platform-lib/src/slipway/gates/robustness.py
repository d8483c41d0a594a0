"""Gate ``robustness``: a small change of the input does not turn the decision.

Judged by noise such as instruments have, and by an attack that looks for the nearest input that is decided otherwise
(:mod:`slipway.evaluation.robustness`). A model whose decision nothing turns is no less suspect: it does not look.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Gt, Interval
from numpy.typing import NDArray

from slipway.evaluation.metrics import Floats
from slipway.evaluation.robustness import Noise
from slipway.gates.verdict import Verdict


@dataclass(frozen=True)
class Thresholds:
    """What is done, and what it may do.

    Attributes:
        noise_share: largest noise on a field, as a share of its standard deviation.
        noise_rows: rows that get noise, at least.
        min_changed_share: share of these whose request the noise must change.
        max_flipped_share: share of these whose decision it may turn.
        max_mean_score_change: mean absolute change of the score that it may cause.
        attacked_rows: rows that are attacked, at least.
        attack_iterations: of HopSkipJump, per row.
        min_reached_share: share of the attacked rows whose decision some input must turn.
        min_mean_distance, min_median_distance: how far an attacked row must move for that, in standard deviations.
        seed: of noise and attack.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    noise_share: Annotated[float, Interval(gt=0, le=1)]
    noise_rows: Annotated[int, Ge(1)]
    min_changed_share: Annotated[float, Interval(gt=0, le=1)]
    max_flipped_share: Annotated[float, Interval(ge=0, lt=1)]
    max_mean_score_change: Annotated[float, Gt(0)]
    attacked_rows: Annotated[int, Ge(1)]
    attack_iterations: Annotated[int, Ge(1)]
    min_reached_share: Annotated[float, Interval(gt=0, le=1)]
    min_mean_distance: Annotated[float, Gt(0)]
    min_median_distance: Annotated[float, Gt(0)]
    seed: Annotated[int, Ge(0)]


def judge(noise: Noise, distances: Floats, decision_threshold: float, thresholds: Thresholds) -> Verdict:
    """Judge noise and attack; the attack's distances differ from machine to machine, and stay in ``observed``.

    Args:
        noise: scores without and with noise.
        distances: of the attacked rows, shape (rows,); NaN where nothing turned the decision.
        decision_threshold: the score from which the decision is positive.
        thresholds: see :class:`Thresholds`.
    """
    flipped = _share((noise.before >= decision_threshold) != (noise.after >= decision_threshold))
    change = _mean(np.abs(noise.after - noise.before))
    changed, reached = _share(noise.changed), _share(np.isfinite(distances))
    near = distances[np.isfinite(distances)]
    mean, median = _mean(near), float(np.median(near)) if len(near) else np.nan
    complaints = [
        *_of_noise(noise, changed, flipped, change, thresholds),
        *_of_attack(distances, reached, mean, median, thresholds),
    ]
    return Verdict(
        gate="robustness",
        passed=not complaints,
        reason=" ".join(complaints)
        or f"Noise of {thresholds.noise_share:g} standard deviations turns {flipped:.2%} of {len(noise.before)} "
        f"decisions, up to {thresholds.max_flipped_share:.2%} may; the attack must move rows by more than "
        f"{thresholds.min_mean_distance:g} (mean) and {thresholds.min_median_distance:g} (median).",
        figures={
            "noise": {
                "rows": len(noise.before),
                "changed_share": changed,
                "flipped_share": flipped,
                "mean_score_change": change,
            },
            "attack": {
                "rows": len(distances),
                "reached_share": reached,
                "mean_is_too_near": not mean >= thresholds.min_mean_distance,
                "median_is_too_near": not median >= thresholds.min_median_distance,
            },
        },
        thresholds=asdict(thresholds),
        observed={"mean_distance": mean, "median_distance": median},
    )


def _share(of: NDArray[np.bool_]) -> float:
    return float(of.mean()) if len(of) else np.nan


def _mean(of: Floats) -> float:
    return float(of.mean()) if len(of) else np.nan


def _of_noise(noise: Noise, changed: float, flipped: float, change: float, limits: Thresholds) -> Iterator[str]:
    # Written so that a figure that is no number is red.
    rows = len(noise.before)
    if rows < limits.noise_rows:
        yield f"Only {rows} rows got noise; fewer than {limits.noise_rows} say too little."
    if not (np.isfinite(noise.before).all() and np.isfinite(noise.after).all()):
        yield "Some scores are no numbers."
    if not changed >= limits.min_changed_share:
        yield f"Noise changed {changed:.2%} of the rows; below {limits.min_changed_share:.2%} it shows nothing."
    noise_of = f"Noise of {limits.noise_share:g} standard deviations"
    if not flipped <= limits.max_flipped_share:
        yield f"{noise_of} turns {flipped:.2%} of {rows} decisions; up to {limits.max_flipped_share:.2%} may."
    if not change <= limits.max_mean_score_change:
        yield f"{noise_of} moves scores by {change:.4f} on average; up to {limits.max_mean_score_change:g} may."


def _of_attack(distances: Floats, reached: float, mean: float, median: float, limits: Thresholds) -> Iterator[str]:
    # A reason is evidence: it says no figure that differs from machine to machine.
    rows = len(distances)
    if rows < limits.attacked_rows:
        yield f"Only {rows} rows were attacked; fewer than {limits.attacked_rows} say too little."
    if not reached >= limits.min_reached_share:
        yield (
            f"Nothing turns the decision on {1 - reached:.2%} of the attacked rows: a model that does not look at its "
            "input is not robust."
        )
    for name, found, limit in (
        ("mean", mean, limits.min_mean_distance),
        ("median", median, limits.min_median_distance),
    ):
        if not found >= limit:
            yield f"The attack turns decisions from nearer than {limit:g} standard deviations ({name})."
