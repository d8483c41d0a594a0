"""A release as an MLflow pyfunc model: MLflow calls ``_load_pyfunc`` with the folder that it stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from slipway.release import Release, load

if TYPE_CHECKING:
    import pandas


class PyfuncRelease:
    """Scores pandas frames with a release."""

    def __init__(self, release: Release) -> None:
        self.release = release

    def predict(self, model_input: pandas.DataFrame, params: dict[str, Any] | None = None) -> pandas.DataFrame:
        """One row of score and decision for each row of ``model_input``, whose columns are the request fields."""
        columns = {
            name: pl.from_pandas(model_input[name], nan_to_null=True).cast(kind)
            for name, kind in self.release.schema.items()
        }
        score = self.release.score_table(pl.DataFrame(columns))
        answers = {self.release.score_name: score, self.release.decision_name: score >= self.release.threshold}
        return pl.DataFrame(answers).to_pandas()


def _load_pyfunc(data_path: str) -> PyfuncRelease:
    """MLflow keeps the name of the folder that it stored, which is the release's digest."""
    return PyfuncRelease(load(Path(data_path)))
