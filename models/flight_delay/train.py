"""How the model is fitted: gradient-boosted trees on log loss."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
from numpy.typing import NDArray

from models.flight_delay.features import CATEGORICAL, NAMES


def fit(features: NDArray[np.float64], label: NDArray[np.int8], params: dict[str, Any]) -> lightgbm.Booster:
    """Fit a booster on ``features`` of shape (rows, len(NAMES)); equal inputs give an equal model file."""
    data = lightgbm.Dataset(
        features, label, feature_name=list(NAMES), categorical_feature=list(CATEGORICAL), free_raw_data=True
    )
    rounds = params["num_trees"]
    settings = {key: value for key, value in params.items() if key != "num_trees"}
    fixed = {"objective": "binary", "deterministic": True, "force_row_wise": True, "verbosity": -1}
    return lightgbm.train(settings | fixed, data, num_boost_round=rounds)
