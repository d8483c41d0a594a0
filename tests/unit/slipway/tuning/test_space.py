from __future__ import annotations

import optuna
import pytest

from slipway.configuration import ModelParams, Train
from slipway.errors import UsageError
from slipway.tuning import space


def test_every_parameter_is_one_that_training_takes(model_params: ModelParams) -> None:
    assert set(space.SPACE) < set(Train.model_fields)
    assert space.in_use(model_params.train.model_dump()).keys() == space.SPACE.keys()


def test_suggestions_keep_bounds_and_kind() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    for _ in range(50):
        found = space.suggest(study.ask())
        for name, bounds in space.SPACE.items():
            assert bounds.low <= found[name] <= bounds.high
            assert isinstance(found[name], int) is bounds.whole


def test_parameters_outside_the_bounds_are_named(model_params: ModelParams) -> None:
    with pytest.raises(UsageError, match=r"learning_rate 0\.9, outside what is searched"):
        space.in_use(model_params.train.model_dump() | {"learning_rate": 0.9})
