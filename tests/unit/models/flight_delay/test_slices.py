from __future__ import annotations

import polars as pl

from models.flight_delay import contract
from models.flight_delay.slices import NAMES, slices
from slipway.files import read_yaml
from slipway.project import ModelPaths


def test_every_row_is_in_one_group_of_each_slicing() -> None:
    raw = pl.DataFrame(
        {"carrier": ["UA", "AA"], "origin": ["JFK", "EWR"], "sched_dep_time": [559, 2359], "more": [1, 2]}
    )
    found = slices(raw)
    assert found.columns == list(NAMES)
    assert set(found.dtypes) == {pl.String}
    assert found["departure_hour"].to_list() == ["5", "23"]
    assert found.null_count().sum_horizontal().item() == 0


def test_groups_are_those_of_the_contract(paths: ModelPaths) -> None:
    raw = pl.read_parquet(max(paths.validated.glob("*.parquet")))
    found = slices(raw)
    assert set(found["carrier"]) <= set(contract.CARRIERS)
    assert set(found["origin"]) == set(contract.ORIGINS)
    assert set(found["departure_hour"].cast(pl.Int64)) <= set(range(24))


def test_what_must_be_served_alike_is_a_slicing(paths: ModelPaths) -> None:
    included = read_yaml(paths.home / "model.yaml")["inclusion"]
    assert included
    assert set(included) <= set(NAMES)
