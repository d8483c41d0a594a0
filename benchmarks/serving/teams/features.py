"""A model class as Seldon's documentation shows it: features in, LightGBM's own Python package, a score out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray


class FeaturesModel:
    """Scores rows of ready features; checks nothing.

    Args:
        model_file: a LightGBM model in its text form.
    """

    def __init__(self, model_file: str) -> None:
        self._model = lightgbm.Booster(model_file=model_file)

    def predict(self, X: NDArray[Any], features_names: Sequence[str], meta: Any = None) -> NDArray[np.float64]:  # noqa: N803 (Seldon's name)
        """The score of each row of ``X``, of shape (rows, features)."""
        return np.asarray(self._model.predict(X.astype(np.float64)))
