from __future__ import annotations

import numpy as np

from slipway.evaluation.retraining import side_by_side
from tests.unit.slipway.evaluation.toy_rows import rows


def test_answers_come_in_the_order_of_the_jobs_and_each_is_told() -> None:
    told: list[int] = []
    jobs = [lambda number=number: np.array([float(number)]) for number in range(20)]
    assert [float(found[0]) for found in side_by_side(jobs, told.append)] == list(range(20))
    assert told == [1] * 20


def test_rows_are_joined_and_chosen_with_all_that_is_known_of_them() -> None:
    months = rows(2, seed=1)
    first, second = (months.where(months.period == month) for month in ("2020-01", "2020-02"))
    together = first.joined(second)
    for name, values in vars(months).items():
        assert (getattr(together, name) == values).all()
    assert together.sample.days == 40
