"""The only split there is goes through time."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import EnvironmentFault, UsageError
from slipway.split import months_between, partitions, split
from tests.conftest import ROOT

MONTHS = [f"2013-{month:02d}" for month in range(1, 13)]


def test_past_trains_and_future_judges() -> None:
    found = split(reversed(MONTHS), "2013-08", 4)
    assert found.train == MONTHS[:8]
    assert found.evaluation == MONTHS[8:]


def test_month_that_does_not_exist() -> None:
    with pytest.raises(UsageError, match=r"train_through is 2014-05.*2013-01 to 2013-12"):
        split(MONTHS, "2014-05", 1)


def test_month_missing_between_others() -> None:
    with pytest.raises(UsageError, match=r"no data of 2013-05, 2013-10"):
        split([month for month in MONTHS if month not in ("2013-05", "2013-10")], "2013-08", 3)


def test_months_between_crosses_the_year() -> None:
    assert months_between("2012-11", "2013-02") == ["2012-11", "2012-12", "2013-01", "2013-02"]


def test_fewer_months_than_asked_for() -> None:
    with pytest.raises(UsageError, match="only 1 months follow 2013-11"):
        split(MONTHS, "2013-11", 3)


def test_no_partitions(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="holds no month partitions"):
        partitions(tmp_path)


def test_nothing_splits_at_random() -> None:
    """No file of ours draws rows at random to split them."""
    words = ("train_test_split", "KFold", "ShuffleSplit", "sample(fraction")
    code = [*ROOT.glob("platform-lib/src/**/*.py"), *ROOT.glob("pipelines/*.py"), *ROOT.glob("models/**/*.py")]
    assert len(code) > 40
    assert [file for file in code if any(word in file.read_text() for word in words)] == []
