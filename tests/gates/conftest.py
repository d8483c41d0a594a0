"""The real year as the pipeline left it, for gates to judge: as it is, or with a fault injected."""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm
import numpy as np
import polars as pl
import pytest

from models.flight_delay import contract
from slipway.configuration import Gates, ModelParams
from slipway.evaluation.metrics import Floats, Sample, sample
from slipway.evaluation.resampling import Resampling
from slipway.project import ModelPaths
from tests.conftest import ROOT


@dataclass(frozen=True)
class Season:
    """The months that the model is judged on."""

    rows: pl.DataFrame
    features: pl.DataFrame
    data: Sample
    score: Floats


@pytest.fixture(scope="session")
def limits(model_params: ModelParams) -> Gates:
    return model_params.gates


@pytest.fixture(scope="session")
def plan(model_params: ModelParams) -> Resampling:
    return Resampling(**model_params.evaluate.model_dump())


@pytest.fixture(scope="session")
def season(paths: ModelPaths) -> Season:
    folder = ROOT / paths.features
    rows = pl.read_parquet(folder / "evaluation_rows.parquet")
    features = pl.read_parquet(folder / "evaluation.parquet")
    booster = lightgbm.Booster(model_file=ROOT / paths.trained / "model.txt")
    data = sample(rows[contract.LABEL].to_numpy(), rows["day"].to_numpy())
    return Season(rows, features, data, np.asarray(booster.predict(features.to_numpy())))


@pytest.fixture(scope="session")
def history(paths: ModelPaths) -> tuple[Floats, Floats]:
    """Features and labels of the training months."""
    folder = ROOT / paths.features
    label = pl.read_parquet(folder / "train_rows.parquet")[contract.LABEL].to_numpy().astype(float)
    return pl.read_parquet(folder / "train.parquet").to_numpy(), label


@pytest.fixture(scope="session")
def ingested(paths: ModelPaths) -> dict[str, pl.DataFrame]:
    """Each month as it was ingested, before the contract saw it."""
    return {file.stem: pl.read_parquet(file) for file in sorted((ROOT / paths.ingested).glob("*.parquet"))}
