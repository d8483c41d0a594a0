"""The simple models that a real one must beat by more than noise."""

from __future__ import annotations

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from slipway.evaluation.metrics import Floats

_RARE = 100
# Below the noise of any metric, above that of a processor's vector unit.
_DECIMALS = 6


def scores(train: Floats, label: Floats, rows: Floats, categorical: list[int]) -> dict[str, Floats]:
    """Scores of each baseline on ``rows``, fitted on ``train``.

    Args:
        train: shape (train rows, features).
        label: shape (train rows,).
        rows: shape (rows, features).
        categorical: the features that hold category numbers.
    """
    return {
        "constant": np.full(len(rows), round(float(label.mean()), _DECIMALS)),
        "logistic": _logistic(train, label, rows, categorical),
    }


def _logistic(train: Floats, label: Floats, rows: Floats, categorical: list[int]) -> Floats:
    numeric = [place for place in range(train.shape[1]) if place not in categorical]
    prepared = ColumnTransformer(
        [
            ("numeric", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numeric),
            ("categorical", _one_hot(), categorical),
        ]
    )
    # Newton's method ends at the optimum; a quasi-Newton one stops near it, where the processor's rounding leads.
    model = make_pipeline(prepared, LogisticRegression(solver="newton-cholesky"))
    # One thread: equal sums in equal order, and quicker than two that wait for each other.
    with threadpool_limits(1):
        fitted = model.fit(train, label)
    return np.asarray(np.round(fitted.predict_proba(rows)[:, 1], _DECIMALS))


def _one_hot() -> OneHotEncoder:
    return OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=_RARE, sparse_output=False)
