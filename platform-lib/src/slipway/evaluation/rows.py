"""The raw rows that an evaluation's scores are of."""

from __future__ import annotations

from types import ModuleType

import polars as pl

from slipway.errors import EnvironmentFault
from slipway.project import ModelPaths
from slipway.split import read


def judged_rows(paths: ModelPaths, contract: ModuleType, scores: pl.DataFrame) -> pl.DataFrame:
    """The validated rows that were scored, in the order of ``scores``.

    Args:
        paths: of the model.
        contract: the model's module of that name.
        scores: the evaluation's scores.parquet.

    Raises:
        EnvironmentFault: when the two do not hold the same rows.
    """
    raw = read(paths.validated, scores["period"].unique().sort()).filter(contract.label().is_not_null())
    if not raw.select(contract.label(), contract.day()).equals(scores.select(contract.LABEL, "day")):
        raise EnvironmentFault(
            f"{paths.evaluation} and {paths.validated} do not hold the same rows, so no pair can be compared.",
            "Run `dvc repro`, which evaluates the model on the data at hand.",
        )
    return raw
