"""The record models/<model>/tuning.json: what was searched, on which rows, and how the parameters in use compare."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import polars as pl

from slipway import project
from slipway.project import ModelPaths

FILE = "tuning.json"


def training_data(paths: ModelPaths) -> str | None:
    """Hex sha256 over the features, labels and months of the training rows; None where they have not been made.

    Only what a training sees: another slicing of the same rows, or a new month to judge on, is no reason to tune anew.
    """
    features, rows = paths.features / "train.parquet", paths.features / "train_rows.parquet"
    if not (features.is_file() and rows.is_file()):
        return None
    digest = hashlib.sha256()
    table = pl.read_parquet(features)
    digest.update("\0".join(table.columns).encode())
    digest.update(np.ascontiguousarray(table.to_numpy()).tobytes())
    known = pl.read_parquet(rows)
    for name in ("period", project.module(paths.name, "contract").LABEL):
        digest.update("\0".join(known[name].cast(pl.String).to_list()).encode())
    return digest.hexdigest()


def trial(number: int, params: dict[str, Any], losses: list[float]) -> dict[str, Any]:
    """One trial: its number, its parameters, and its log loss on each fold and on average over folds."""
    return {"number": number, "params": params, "log_loss": float(np.mean(losses)), "folds": losses}
