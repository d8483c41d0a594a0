from __future__ import annotations

import pytest

from slipway.errors import UsageError
from slipway.tuning.folds import Fold, folds
from tests.unit.slipway.evaluation.toy_rows import rows

MONTHS = rows(4, seed=1)


def test_the_newest_folds_in_order_of_time() -> None:
    assert list(folds(MONTHS, 2)) == [Fold("2020-02", "2020-03"), Fold("2020-03", "2020-04")]
    assert len(folds(MONTHS, 3)) == 3


@pytest.mark.parametrize("fold", folds(MONTHS, 3), ids=lambda fold: fold.judged)
def test_what_is_judged_is_the_month_after_all_that_is_learnt_from(fold: Fold) -> None:
    past, judged = fold.split(MONTHS)
    assert set(judged.period) == {fold.judged}
    assert max(past.period) == fold.trained_through < fold.judged
    assert len(past.label) == (MONTHS.period <= fold.trained_through).sum()


@pytest.mark.parametrize("count", [1, 4, 9])
def test_too_few_months(count: int) -> None:
    with pytest.raises(UsageError, match=f"{count} folds cannot be made of 4 training months"):
        folds(MONTHS, count)
