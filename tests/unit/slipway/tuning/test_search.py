"""The search finds what there is to find, begins with what is in use, and goes on where it was stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slipway.configuration import ModelParams
from slipway.evaluation.metrics import Floats
from slipway.evaluation.resampling import Resampling
from slipway.tuning import search, space
from slipway.tuning.folds import folds
from slipway.tuning.search import Search
from tests.unit.slipway.evaluation.toy_rows import rows

GOOD = 0.1


class Booster:
    """Scores that are right to the degree in which the learning rate is near GOOD."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._weight = float(np.exp(-abs(np.log(params["learning_rate"] / GOOD))))

    def predict(self, features: Floats, num_threads: int) -> Floats:
        assert num_threads == 1
        signal = 1.5 * features[:, 0] + features[:, 1]
        return np.asarray(1 / (1 + np.exp(-self._weight * signal)))


def fit(features: Floats, label: Floats, params: dict[str, Any]) -> Booster:
    assert params["num_threads"] == 1
    return Booster(params)


@pytest.fixture
def asked(model_params: ModelParams) -> Search:
    months = rows(5, seed=1)
    *searched, held_out = folds(months, 4)
    train = model_params.train.model_dump() | {"learning_rate": 0.02}
    return Search(months, searched, held_out, fit, train, seed=3, reseeded=2, plan=Resampling(200, 0.95, 7))


def run(asked: Search, trials: int, storage: Path) -> dict[str, Any]:
    return search.conclude(asked, search.search(asked, trials, storage, lambda _: None))


def test_what_is_in_use_is_tried_first_and_a_better_one_found(asked: Search, tmp_path: Path) -> None:
    found = run(asked, 25, tmp_path / "a.sqlite")
    assert len(found["trials"]) == 25
    assert found["trials"][0]["params"] == found["in_use"]["params"] == space.in_use(asked.train)
    assert abs(np.log(found["best"]["params"]["learning_rate"] / GOOD)) < 0.3
    assert found["in_use"]["above_best"]["low"] > 0
    assert found["best"]["log_loss"] == min(trial["log_loss"] for trial in found["trials"])


def test_what_is_best_already_is_not_said_to_be_worse(asked: Search, tmp_path: Path) -> None:
    found = run(replace(asked, train=asked.train | {"learning_rate": GOOD}), 10, tmp_path / "a.sqlite")
    assert found["in_use"]["above_best"]["low"] <= 0


def test_the_held_out_month_is_searched_by_nobody(asked: Search, tmp_path: Path) -> None:
    found = run(asked, 2, tmp_path / "a.sqlite")
    assert found["held_out"]["judged"] == "2020-05"
    assert [fold["judged"] for fold in found["folds"]] == ["2020-02", "2020-03", "2020-04"]
    assert all(len(trial["folds"]) == 3 for trial in found["trials"])
    hidden = replace(asked, rows=asked.rows.where(asked.rows.period < "2020-05"))
    assert search.fold_losses(hidden, space.in_use(asked.train)) == found["trials"][0]["folds"]


def test_equal_seeds_give_equal_trials(asked: Search, tmp_path: Path) -> None:
    first, second = (run(asked, 14, tmp_path / name) for name in ("a.sqlite", "b.sqlite"))
    assert first == second
    assert run(replace(asked, seed=4), 14, tmp_path / "a.sqlite")["trials"][1:] != first["trials"][1:]


def test_a_stopped_search_goes_on_with_what_is_left(asked: Search, tmp_path: Path) -> None:
    storage, told = tmp_path / "folder" / "a.sqlite", []

    def dying(features: Floats, label: Floats, params: dict[str, Any]) -> Booster:
        if len(told) >= 3:
            raise KeyboardInterrupt
        return fit(features, label, params)

    with pytest.raises(KeyboardInterrupt):
        search.search(replace(asked, fit=dying), 8, storage, told.append)
    assert search.finished(search.open_study(asked, storage)) == 3
    study = search.search(asked, 8, storage, told.append)
    assert len(told) == 8
    found = search.conclude(asked, study)
    assert len(found["trials"]) == 8
    assert len({tuple(trial["params"].items()) for trial in found["trials"]}) == 8
    search.search(asked, 8, storage, told.append)
    assert len(told) == 8, "there was nothing left to do"


@pytest.mark.parametrize("change", ["rows", "train", "folds", "seed"])
def test_another_question_is_another_study(asked: Search, change: str) -> None:
    others = {
        "rows": replace(asked, rows=rows(5, seed=2)),
        "train": replace(asked, train=asked.train | {"seed": 99}),
        "folds": replace(asked, folds=asked.folds[1:]),
        "seed": replace(asked, seed=4),
    }
    assert others[change].name != asked.name == replace(asked).name
