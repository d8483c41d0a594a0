"""Gate ``baseline``: the model beats the simpler ones by more than noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge

from slipway.evaluation.metrics import HIGHER_IS_BETTER, Floats, Sample
from slipway.evaluation.resampling import Estimate, Resampling, difference
from slipway.gates.verdict import Verdict

Metric = Literal["auc", "average_precision", "log_loss", "brier"]


@dataclass(frozen=True)
class Thresholds:
    """The measure to compare by, and the gain that the interval's worse end must exceed."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    metric: Metric
    min_gain: Annotated[float, Ge(0)]


def judge(
    data: Sample, score: Floats, baselines: Mapping[str, Floats], plan: Resampling, thresholds: Thresholds
) -> Verdict:
    """Compare ``score`` with each baseline's on the same resamples of the same rows."""
    gains = {name: gain(data, other, score, plan, thresholds.metric) for name, other in baselines.items()}
    beaten = {name: entry.low > thresholds.min_gain for name, entry in gains.items()}
    return Verdict(
        gate="baseline",
        passed=bool(gains) and all(beaten.values()),
        reason=" ".join(_sentence(name, entry, beaten[name], thresholds) for name, entry in gains.items()),
        figures={name: entry.as_dict() for name, entry in gains.items()},
        thresholds=asdict(thresholds),
    )


def gain(data: Sample, reference: Floats, score: Floats, plan: Resampling, metric: str) -> Estimate:
    """How much better ``score`` is than ``reference`` by ``metric``; positive is better, whatever the metric."""
    found = difference(data, reference, score, plan, [metric])[metric]
    if HIGHER_IS_BETTER[metric]:
        return found
    return Estimate(-found.value, -found.high, -found.low)


def _sentence(name: str, entry: Estimate, beaten: bool, thresholds: Thresholds) -> str:
    verb = "beats" if beaten else "does not beat"
    return (
        f"The model {verb} the {name} one in {thresholds.metric}: gain {entry.value:.4f} "
        f"[{entry.low:.4f}, {entry.high:.4f}], more than {thresholds.min_gain:g} is needed."
    )
