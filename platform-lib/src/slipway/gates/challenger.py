"""Gate ``challenger``: the new model is not worse than the champion beyond a margin."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt

from slipway.evaluation.metrics import Floats, Sample
from slipway.evaluation.resampling import Estimate, Resampling
from slipway.gates.baseline import Metric, gain
from slipway.gates.verdict import Verdict


@dataclass(frozen=True)
class Thresholds:
    """The measure to compare by, and the loss in it that is still tolerated."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    metric: Metric
    margin: Annotated[float, Gt(0)]


@dataclass(frozen=True)
class Champion:
    """The release in production: its digest and its scores of the same rows."""

    release: str
    score: Floats


def judge(
    data: Sample, challenger: Floats, champion: Champion | None, plan: Resampling, thresholds: Thresholds
) -> Verdict:
    """Compare the challenger's scores with the champion's on the newest complete months.

    Args:
        data: labels and days of these months.
        challenger: the new model's scores, shape (rows,).
        champion: None only for a model that nothing is in production of yet.
        plan: how the interval is made.
        thresholds: see :class:`Thresholds`.
    """
    if champion is None:
        return Verdict(
            gate="challenger",
            passed=True,
            reason="No champion is recorded: this is the model's first release, and the baselines are its bar.",
            figures={"champion": None, "rows": len(data.label)},
            thresholds=asdict(thresholds),
        )
    found = gain(data, champion.score, challenger, plan, thresholds.metric)
    return Verdict(
        gate="challenger",
        passed=found.low > -thresholds.margin,
        reason=_sentence(found, thresholds),
        figures={"champion": champion.release, "rows": len(data.label), "gain": found.as_dict()},
        thresholds=asdict(thresholds),
    )


def _sentence(found: Estimate, thresholds: Thresholds) -> str:
    if not math.isfinite(found.low):
        return f"The gain in {thresholds.metric} is not a finite number, so nothing is known."
    interval = f"gain in {thresholds.metric} {found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"
    if found.low > 0:
        return f"The challenger is better than the champion: {interval}."
    if found.high < 0 and found.low <= -thresholds.margin:
        return f"The challenger is worse than the champion: {interval}; a loss of {thresholds.margin:g} is tolerated."
    if found.low <= -thresholds.margin:
        return (
            f"No significant difference to the champion, but a loss beyond {thresholds.margin:g} "
            f"cannot be ruled out: {interval}."
        )
    if found.high < 0:
        return f"The challenger is worse than the champion, within the margin of {thresholds.margin:g}: {interval}."
    return f"No significant difference to the champion, within the margin of {thresholds.margin:g}: {interval}."
