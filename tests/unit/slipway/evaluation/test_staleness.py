from __future__ import annotations

import numpy as np
import pytest

from slipway.evaluation.resampling import Resampling
from slipway.evaluation.retraining import Rows
from slipway.evaluation.staleness import curve, trainings
from tests.unit.slipway.evaluation.toy_rows import learn, rows

PLAN = Resampling(200, 0.95, 7)
JUDGED = ["2020-05", "2020-06"]


def measured(months: Rows) -> dict[int, dict[str, object]]:
    found = curve(months, JUDGED, 2, learn, PLAN, lambda _: None)
    return {entry["age"]: entry for entry in found["ages"]}


def test_a_world_that_turns_makes_old_models_worse_month_by_month() -> None:
    ages = measured(rows(6, seed=3, turning=0.3))
    assert sorted(ages) == [1, 2, 3, 4]
    above = [ages[age]["above_freshest"]["value"] for age in (1, 2, 3, 4)]  # type: ignore[index]
    assert above == sorted(above)
    assert above[0] == 0
    assert ages[3]["above_freshest"]["low"] > 0.01  # type: ignore[index]


def test_a_world_that_stands_still_does_not() -> None:
    ages = measured(rows(6, seed=3))
    assert max(abs(entry["above_freshest"]["value"]) for entry in ages.values()) < 0.005  # type: ignore[index]


def test_each_model_is_judged_on_the_months_after_it_alone() -> None:
    found = curve(rows(6, seed=3), JUDGED, 2, learn, PLAN, lambda _: None)
    seen = {(entry["trained_through"], entry["judged"], entry["age"]) for entry in found["months"]}
    ends = ["2020-02", "2020-03", "2020-04", "2020-05"]
    assert seen == {(end, month, int(month[-2:]) - int(end[-2:])) for end in ends for month in JUDGED if month > end}
    by_age = {entry["age"]: entry["judged"] for entry in found["ages"]}
    assert by_age == {1: JUDGED, 2: JUDGED, 3: JUDGED, 4: ["2020-06"]}


def test_nothing_of_the_judged_months_is_learnt_from() -> None:
    seen: list[float] = []

    def spy(features: np.ndarray, label: np.ndarray, reseed: int = 0) -> object:
        seen.append(len(label))
        return learn(features, label, reseed)

    months = rows(6, seed=3)
    curve(months, JUDGED, 2, spy, PLAN, lambda _: None)  # type: ignore[arg-type]
    assert sorted(seen) == [float((months.period <= end).sum()) for end in trainings(months, 2)]


@pytest.mark.parametrize(("first", "count"), [(1, 5), (2, 4), (5, 1)])
def test_trainings_begin_with_the_fewest_months(first: int, count: int) -> None:
    assert len(trainings(rows(6, seed=3), first)) == count
