"""The same measures for each group of rows: months, carriers, hours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from slipway.evaluation.metrics import Floats, sample
from slipway.evaluation.resampling import Resampling, estimate


def per_group(
    group: NDArray[np.str_], label: Floats, score: Floats, day: NDArray[np.generic], plan: Resampling
) -> list[dict[str, Any]]:
    """Rows, observed rate, mean score and each measure with its interval, for each value of ``group``."""
    return [{"group": str(value), **_measured(group == value, label, score, day, plan)} for value in np.unique(group)]


def _measured(
    chosen: NDArray[np.bool_], label: Floats, score: Floats, day: NDArray[np.generic], plan: Resampling
) -> dict[str, Any]:
    data = sample(label[chosen], day[chosen])
    facts = {
        "rows": int(chosen.sum()),
        "rate": float(label[chosen].mean()),
        "score": float(score[chosen].mean()),
    }
    if not 0 < facts["rate"] < 1:
        return facts
    measures = estimate(data, score[chosen], plan)
    return facts | {name: measure.as_dict() for name, measure in measures.items() if np.isfinite(measure.value)}
