"""Fit the model on the past."""

from __future__ import annotations

import polars as pl

from slipway import configuration, project, stage
from slipway.files import replacing
from slipway.progress import step


def train(model: str) -> None:
    """Write artifacts/MODEL/model/model.txt; equal inputs give equal bytes."""
    params = configuration.load(model).train
    paths, recipe, contract = project.paths(model), project.module(model, "train"), project.module(model, "contract")
    features = pl.read_parquet(paths.features / "train.parquet").to_numpy()
    label = pl.read_parquet(paths.features / "train_rows.parquet")[contract.LABEL].to_numpy()
    with step(f"fitting {params.num_trees} trees on {len(label)} rows"):
        booster = recipe.fit(features, label, params.model_dump())
    with replacing(paths.trained) as folder:
        folder.mkdir()
        # LightGBM's own save_model does not notice when the disk is full at the very last block.
        (folder / "model.txt").write_text(booster.model_to_string())


if __name__ == "__main__":
    stage.run(train)
