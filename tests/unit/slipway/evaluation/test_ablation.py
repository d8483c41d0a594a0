from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from slipway.evaluation.ablation import Ablation, ablate, groups, trainings
from slipway.evaluation.metrics import Floats
from slipway.evaluation.resampling import Resampling
from slipway.evaluation.retraining import Predictor
from tests.unit.slipway.evaluation.toy_rows import NAMES, learn, rows

SETTINGS = Ablation(NAMES, (), correlation=0.5, reseeded=3, plan=Resampling(200, 0.95, 7))
PAST, FUTURE = rows(2, seed=1), rows(2, seed=2)


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    return ablate(PAST, FUTURE, learn, SETTINGS, lambda _: None)


def of(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(entry for entry in found["features"] if entry["feature"] == name)


def test_what_no_other_feature_says_earns_its_place(found: dict[str, Any]) -> None:
    entry = of(found, "alone")
    assert entry["earns"]
    assert not entry["harms"]
    assert entry["added_log_loss"]["low"] > found["noise"] > 0
    assert entry["added_log_loss"]["value"] > 0.05


def test_twins_can_each_be_missed_but_not_both(found: dict[str, Any]) -> None:
    assert not of(found, "twin")["earns"]
    assert not of(found, "copy")["earns"]
    (group,) = found["groups"]
    assert group["features"] == ["twin", "copy"]
    assert group["earns"]


def test_noise_is_named_as_not_earning_and_nothing_else(found: dict[str, Any]) -> None:
    assert found["unearned"] == ["noise"]
    assert abs(found["without_unearned"]["value"]) < 2 * found["noise"]


def test_a_feature_that_the_future_contradicts_harms() -> None:
    future = replace(FUTURE, features=FUTURE.features * [-1, 1, 1, 1])
    found = ablate(PAST, future, learn, SETTINGS, lambda _: None)
    assert of(found, "alone")["harms"]
    assert "alone" in found["unearned"]


def test_a_difference_that_another_seed_makes_too_earns_nothing() -> None:
    """Of a noisy learner only what is larger than its noise counts, however narrow the interval of days."""

    def noisy(features: Floats, label: Floats, reseed: int = 0) -> Predictor:
        if reseed:
            return learn(np.where([True, False, False, False], np.nan, features), label)
        return learn(features, label)

    found = ablate(PAST, FUTURE, noisy, SETTINGS, lambda _: None)
    assert of(found, "alone")["added_log_loss"]["low"] > 0
    assert "alone" in found["unearned"]


def test_groups_are_of_features_whose_numbers_have_an_order() -> None:
    assert groups(PAST, SETTINGS) == [["twin", "copy"]]
    assert groups(PAST, replace(SETTINGS, categorical=("copy",))) == []
    assert groups(replace(PAST, features=np.full_like(PAST.features, np.nan)), SETTINGS) == []


def test_groups_reach_through_a_third_feature() -> None:
    first, third = PAST.features[:, 0], PAST.features[:, 3]
    chain = np.column_stack([first, PAST.features[:, 1], first + third, third])
    assert groups(replace(PAST, features=chain), SETTINGS) == [["alone", "copy", "noise"]]


def test_every_training_is_told() -> None:
    told: list[int] = []
    ablate(PAST, FUTURE, learn, SETTINGS, told.append)
    assert sum(told) == trainings(PAST, SETTINGS) == 10
