"""The two-sample tests, from alibi-detect 0.11.4 (the last Apache-2.0 release), which lives in environments/drift."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from slipway.errors import EnvironmentFault

Outcome = tuple[float, float]


def kolmogorov_smirnov(reference: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], Outcome]:
    """A test of values against ``reference`` (both 1-d, finite): effect and p-value.

    The effect is the largest distance between the two distribution functions, 0..1.
    """
    detector = _detectors().KSDrift(reference)

    def test(values: NDArray[np.float64]) -> Outcome:
        p_value, distance = detector.score(values)
        return float(distance[0]), float(p_value[0])

    return test


def chi_squared(reference: pl.Series) -> Callable[[pl.Series], Outcome]:
    """A test of categories (strings without null) against ``reference``: effect and p-value.

    The effect is Cramér's V of the table of sample by category, 0..1.
    """
    names = reference.unique().sort().to_list()
    numbers = {name: number for number, name in enumerate(names)}
    detector = _detectors().ChiSquareDrift(
        _numbered(reference, numbers), categories_per_feature={0: list(range(len(names)))}
    )

    def test(values: pl.Series) -> Outcome:
        unknown = sorted(set(values.unique().to_list()) - set(names))
        known = numbers | {name: len(names) + number for number, name in enumerate(unknown)}
        if len(known) == 1:
            return 0.0, 1.0
        p_value, statistic = detector.score(_numbered(values, known))
        return math.sqrt(float(statistic[0]) / (len(reference) + len(values))), float(p_value[0])

    return test


def _numbered(values: pl.Series, numbers: dict[str, int]) -> NDArray[np.int64]:
    coded = values.replace_strict(list(numbers), list(numbers.values()), return_dtype=pl.Int64)
    return coded.to_numpy()


def _detectors() -> Any:
    # alibi-detect imports transformers, which otherwise advises on standard error to install PyTorch.
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    try:
        import alibi_detect.cd
    except ModuleNotFoundError as error:
        raise EnvironmentFault(
            f"The drift tests need alibi-detect, which this Python lacks ({error.name} is not installed).",
            "Run it by environments/drift/.venv/bin/python; `uv sync --project environments/drift` makes that.",
        ) from error
    return alibi_detect.cd
