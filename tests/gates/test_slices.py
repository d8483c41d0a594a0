"""Gate ``slices``: a group that is served badly is red, however good the whole looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.flight_delay import contract
from slipway.configuration import Gates
from slipway.gates import slices
from slipway.project import ModelPaths
from tests.conftest import ROOT
from tests.gates.conftest import Season


@pytest.fixture(scope="session")
def groups(paths: ModelPaths, season: Season) -> list[slices.Slice]:
    past = pl.read_parquet(ROOT / paths.features / "train_rows.parquet")
    found = []
    for column in ("slice.carrier", "slice.origin", "slice.departure_hour"):
        rates = dict(past.group_by(column).agg(pl.col(contract.LABEL).mean()).iter_rows())
        for value in season.rows[column].unique().sort():
            rows = (season.rows[column] == value).to_numpy()
            found.append(slices.Slice(f"{column[6:]}={value}", rows, rates.get(value, 0.25)))
    return found


def test_real_model_passes(season: Season, groups: list[slices.Slice], limits: Gates) -> None:
    verdict = slices.judge(season.data, season.score, groups, limits.slices)
    assert verdict.passed, verdict.reason
    assert len(verdict.figures["slices"]) > 25


@pytest.mark.parametrize("carrier", ["UA", "MQ", "WN", "VX"])
def test_fault_labels_of_one_carrier_flipped(
    season: Season, groups: list[slices.Slice], limits: Gates, carrier: str
) -> None:
    chosen = (season.rows["slice.carrier"] == carrier).to_numpy()
    flipped = np.where(chosen, 1 - season.data.label, season.data.label)
    verdict = slices.judge(replace(season.data, label=flipped), season.score, groups, limits.slices)
    assert verdict.gate == "slices"
    assert not verdict.passed
    assert f"carrier={carrier}" in verdict.reason


def test_fault_one_hour_scored_upside_down(season: Season, groups: list[slices.Slice], limits: Gates) -> None:
    chosen = (season.rows["slice.departure_hour"] == "17").to_numpy()
    score = np.where(chosen, 1 - season.score, season.score)
    verdict = slices.judge(season.data, score, groups, limits.slices)
    assert not verdict.passed
    assert "departure_hour=17" in verdict.reason


def test_fault_a_score_is_not_a_number(season: Season, groups: list[slices.Slice], limits: Gates) -> None:
    score = season.score.copy()
    score[int(np.flatnonzero(groups[0].rows)[0])] = np.nan
    verdict = slices.judge(season.data, score, groups, limits.slices)
    assert not verdict.passed
    assert groups[0].name in verdict.reason


def test_fault_no_slice_is_large_enough(season: Season, groups: list[slices.Slice], limits: Gates) -> None:
    strict = replace(limits.slices, min_rows=10**6)
    assert not slices.judge(season.data, season.score, groups, strict).passed


def test_many_harmless_slices_do_not_add_up_to_an_alarm(season: Season, limits: Gates) -> None:
    """300 random slices of a model exactly at the margin: Holm keeps the family-wise error."""
    draws = np.random.default_rng(11)
    rate = float(season.data.label.mean())
    random = [slices.Slice(f"random={number}", draws.random(len(season.score)) < 0.02, rate) for number in range(300)]
    verdict = slices.judge(season.data, np.full(len(season.score), rate), random, limits.slices)
    assert verdict.passed
    assert min(entry["adjusted_p_value"] for entry in verdict.figures["slices"]) > limits.slices.significance
