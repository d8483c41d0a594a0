"""Gate ``calibration``: a score of 30 % means that 30 % of such cases happen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar

from annotated_types import Ge, Interval

from slipway.evaluation.curves import expected_calibration_error, reliability
from slipway.evaluation.metrics import Floats
from slipway.gates.verdict import Verdict


@dataclass(frozen=True)
class Thresholds:
    """The largest expected calibration error, over so many groups of equal size."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    max_expected_calibration_error: Annotated[float, Interval(gt=0, lt=1)]
    bins: Annotated[int, Ge(2)]


def judge(label: Floats, score: Floats, thresholds: Thresholds) -> Verdict:
    """Judge the reliability curve of ``score`` (both of shape (rows,))."""
    groups = reliability(label, score, thresholds.bins)
    error = expected_calibration_error(groups)
    limit = thresholds.max_expected_calibration_error
    passed = error <= limit
    bias = float(score.mean() - label.mean())
    return Verdict(
        gate="calibration",
        passed=passed,
        reason=f"Scores are off the observed rates by {error:.4f} on average (bias {bias:+.4f}), "
        f"{'within' if passed else 'beyond'} the {limit:g} allowed.",
        figures={"expected_calibration_error": error, "bias": bias, "reliability": groups},
        thresholds=asdict(thresholds),
    )
