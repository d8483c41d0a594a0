"""The model's specification: what ``train.fit`` learns, what it must not depend on, and that it is the release's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.flight_delay import contract, train
from models.flight_delay.features import CATEGORICAL, NAMES
from slipway.configuration import ModelParams
from slipway.evaluation.metrics import Floats, auc, row_log_loss
from slipway.project import ModelPaths

ROWS = 4_000
QUICK = {"num_trees": 30, "num_leaves": 15, "learning_rate": 0.1, "min_data_in_leaf": 20, "seed": 1, "num_threads": 1}


@pytest.fixture(scope="module")
def noise() -> Floats:
    """Features that say nothing: categories in the categorical columns, noise elsewhere."""
    source = np.random.default_rng(1)
    features = source.normal(size=(ROWS, len(NAMES)))
    for name in CATEGORICAL:
        features[:, NAMES.index(name)] = source.integers(0, 10, ROWS)
    return features


def learnt(features: Floats, label: np.ndarray, **changes: Any) -> Floats:
    """Scores of the second half by a model of the first half."""
    half = ROWS // 2
    booster = train.fit(features[:half], label[:half].astype(np.int8), QUICK | changes)
    return np.asarray(booster.predict(features[half:]))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in CATEGORICAL])
def test_it_learns_from_each_number(noise: Floats, name: str) -> None:
    label = noise[:, NAMES.index(name)] > 0.5
    assert auc(label[ROWS // 2 :].astype(np.int8), learnt(noise, label)) > 0.99


@pytest.mark.parametrize("name", CATEGORICAL)
def test_categories_have_no_order(noise: Floats, name: str) -> None:
    """Every other category is late: one split on a category does what one on an ordered number cannot."""
    label = noise[:, NAMES.index(name)] % 2 == 0
    stump = learnt(noise, label, num_trees=1, num_leaves=2)
    assert auc(label[ROWS // 2 :].astype(np.int8), stump) == 1.0


def test_it_learns_from_what_is_missing(noise: Floats) -> None:
    label = np.random.default_rng(2).uniform(size=ROWS) < 0.3
    features = noise.copy()
    features[label, NAMES.index("temp")] = np.nan
    assert auc(label[ROWS // 2 :].astype(np.int8), learnt(features, label)) > 0.99


def test_scores_are_probabilities_and_their_loss_falls_with_every_tree(noise: Floats) -> None:
    label = (noise[:, NAMES.index("temp")] > 0).astype(np.int8)
    booster = train.fit(noise, label, QUICK)
    losses = []
    for trees in (1, 5, 10, 30):
        score = np.asarray(booster.predict(noise, num_iteration=trees))
        assert ((score > 0) & (score < 1)).all()
        losses.append(float(row_log_loss(label.astype(float), score).mean()))
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.1 < losses[0]


def test_noise_teaches_nothing(noise: Floats) -> None:
    label = np.random.default_rng(3).uniform(size=ROWS) < 0.3
    assert abs(auc(label[ROWS // 2 :].astype(np.int8), learnt(noise, label)) - 0.5) < 0.05


def test_parameters_and_names_arrive(noise: Floats) -> None:
    label = (noise[:, 0] > 4).astype(np.int8)
    booster = train.fit(noise, label, QUICK | {"num_trees": 7, "num_leaves": 4})
    assert booster.num_trees() == 7
    assert booster.feature_name() == list(NAMES)
    assert max(tree["num_leaves"] for tree in booster.dump_model()["tree_info"]) == 4


def test_equal_inputs_give_equal_bytes(noise: Floats) -> None:
    label = (noise[:, NAMES.index("temp")] + np.random.default_rng(4).normal(size=ROWS) > 0).astype(np.int8)
    drawn = {"feature_fraction": 0.4, "bagging_fraction": 0.5, "bagging_freq": 1}
    first, second, other = (train.fit(noise, label, QUICK | drawn | {"seed": seed}) for seed in (1, 1, 2))
    assert first.model_to_string() == second.model_to_string() != other.model_to_string()


def test_the_release_s_model_is_what_its_data_and_parameters_give(
    paths: ModelPaths, model_params: ModelParams, release_folder: Path
) -> None:
    features = pl.read_parquet(paths.features / "train.parquet").to_numpy()
    label = pl.read_parquet(paths.features / "train_rows.parquet")[contract.LABEL].to_numpy()
    booster = train.fit(features, label, model_params.train.model_dump())
    assert booster.model_to_string() == (release_folder / "model.txt").read_text()
