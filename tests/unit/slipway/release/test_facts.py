from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from slipway.project import ModelPaths
from slipway.release import facts

FRAME = pl.DataFrame({"a": [1], "b": [2], "c": [3]})


def test_columns_read_are_those_that_a_function_misses() -> None:
    assert facts.columns_read(lambda raw: raw.select(pl.col("a") + 1, "c"), FRAME) == ["a", "c"]
    assert facts.columns_read(lambda raw: raw.with_columns(d=pl.lit(0)), FRAME) == []
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        facts.columns_read(lambda raw: raw.select("d"), FRAME)


def test_facts_of_the_real_model(paths: ModelPaths) -> None:
    found = facts.gather(paths)
    assert {"recent_delay", "carrier", "dest_tz"} <= set(found.features)
    assert set(found.places["state.json"]) == {"carrier", "origin", "dest"}
    assert "departure_minute" in found.places["drift/reference.parquet"]
    assert [column.name for column in found.columns if column.personal] == ["tailnum"]
    assert found.source_licence == "CC0-1.0"
    assert found.threshold == pytest.approx(45 / 195, rel=1e-5)
    assert "Privacy" in found.card


def test_a_card_that_is_not_there_is_an_error(here: ModelPaths) -> None:
    pl.DataFrame({"x": [1.0]}).write_parquet(here.drift / "reference.parquet")
    assert facts.gather(here).card
    Path(here.home / "card.md").unlink()
    with pytest.raises(FileNotFoundError, match=r"card\.md"):
        facts.gather(here)
