"""Scores find the raw rows that they are of, and refuse others."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from slipway.errors import EnvironmentFault
from slipway.evaluation.rows import judged_rows
from slipway.project import ModelPaths

TOY = ModelPaths("toy")


@pytest.fixture
def contract() -> ModuleType:
    module = ModuleType("contract")
    vars(module).update(
        LABEL="late", label=lambda: (pl.col("delay") > 15).cast(pl.Int8).alias("late"), day=lambda: pl.col("day")
    )
    return module


@pytest.fixture
def scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    """Scores of the second and third month; one row of the third has no label."""
    monkeypatch.chdir(tmp_path)
    TOY.validated.mkdir(parents=True)
    for month, delays in ((1, [0, 20]), (2, [30, 0]), (3, [None, 16])):
        rows = pl.DataFrame({"delay": delays, "day": [10 * month, 10 * month + 1], "weight": [month, month]})
        rows.write_parquet(TOY.validated / f"2020-0{month}.parquet")
    return pl.DataFrame(
        {"late": [1, 0, 1], "day": [20, 21, 31], "period": ["2020-02", "2020-02", "2020-03"]},
        schema_overrides={"late": pl.Int8},
    )


def test_rows_without_a_label_and_of_other_months_are_left_out(contract: ModuleType, scores: pl.DataFrame) -> None:
    assert judged_rows(TOY, contract, scores)["weight"].to_list() == [2, 2, 3]


@pytest.mark.parametrize(
    "change",
    [pl.DataFrame.reverse, lambda frame: frame[[0, 2]], lambda frame: frame.with_columns(late=1 - pl.col.late)],
)
def test_other_rows_are_refused(contract: ModuleType, scores: pl.DataFrame, change: object) -> None:
    with pytest.raises(EnvironmentFault, match="do not hold the same rows"):
        judged_rows(TOY, contract, change(scores))  # type: ignore[operator]
