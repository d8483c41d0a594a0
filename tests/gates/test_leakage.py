"""Gate ``leakage``: an outcome that sneaks into the features is red, under whatever name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.flight_delay import contract, features, sources
from slipway.configuration import Gates
from slipway.contracts.marks import marked
from slipway.features import Table
from slipway.gates import leakage
from slipway.gates.verdict import Verdict
from slipway.project import ModelPaths
from slipway.sources import locate
from tests.conftest import ROOT
from tests.gates.conftest import Season


@pytest.fixture(scope="session")
def travel(paths: ModelPaths) -> leakage.TimeTravel:
    folder = ROOT / paths.features
    return leakage.TimeTravel(
        pl.read_parquet(folder / "travel_used.parquet"), pl.read_parquet(folder / "travel_as_of.parquet")
    )


@pytest.fixture(scope="session")
def tables() -> dict[str, pl.DataFrame]:
    found = locate(sources.PACKAGE, sources.FOLDER, sources.FILES)
    return {table: sources.read(table, source.file) for table, source in found.items()}


def judged(season: Season, table: pl.DataFrame, travel: leakage.TimeTravel, limits: Gates) -> Verdict:
    outcomes = season.rows.select(f"outcome.{name}" for name in marked(contract.RAW, known="after"))
    return leakage.judge(
        table, season.rows[contract.LABEL].to_numpy(), outcomes.rename(lambda name: name[8:]), travel, limits.leakage
    )


def test_real_features_pass(season: Season, travel: leakage.TimeTravel, limits: Gates) -> None:
    verdict = judged(season, season.features, travel, limits)
    assert verdict.passed, verdict.reason
    assert verdict.figures["time_travel"]["rows"] > 300


def test_fault_arrival_delay_under_another_name(season: Season, travel: leakage.TimeTravel, limits: Gates) -> None:
    sneaked = season.features.with_columns(season.rows["outcome.arr_delay"].cast(pl.Float64).alias("turnaround"))
    verdict = judged(season, sneaked, travel, limits)
    assert verdict.gate == "leakage"
    assert not verdict.passed
    assert "turnaround is a copy of arr_delay" in verdict.reason
    assert "turnaround alone reaches an AUC of 1.000" in verdict.reason


def test_fault_arrival_delay_blurred_and_scaled(season: Season, travel: leakage.TimeTravel, limits: Gates) -> None:
    noise = np.random.default_rng(1).normal(0, 20, season.rows.height)
    blurred = 3 - 0.1 * (season.rows["outcome.arr_delay"].cast(pl.Float64) + pl.Series(noise))
    verdict = judged(season, season.features.with_columns(blurred.alias("comfort")), travel, limits)
    assert not verdict.passed
    assert "comfort alone" in verdict.reason


def test_fault_air_time_under_another_name(season: Season, travel: leakage.TimeTravel, limits: Gates) -> None:
    sneaked = season.features.with_columns((season.rows["outcome.air_time"] * 1.05 + 12.0).alias("fuel"))
    verdict = judged(season, sneaked, travel, limits)
    assert not verdict.passed
    assert "fuel is a copy of air_time, which is known only afterwards (correlation 1.0000)." in verdict.reason


def test_fault_weather_of_the_hours_to_come(
    season: Season,
    travel: leakage.TimeTravel,
    tables: dict[str, pl.DataFrame],
    limits: Gates,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = sources._weather

    def early(weather: pl.DataFrame) -> pl.DataFrame:
        return honest(weather).with_columns(pl.col("weather_time").dt.offset_by("-2h"))

    monkeypatch.setattr(sources, "_weather", early)
    verdict = judged(season, season.features, travelled(tables, season), limits)
    assert not verdict.passed
    assert "temp changes when the sources are cut at the moment of asking" in verdict.reason


def test_fault_delays_of_flights_that_have_not_left(
    season: Season,
    tables: dict[str, pl.DataFrame],
    limits: Gates,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    honest = sources._running_at

    def ahead(hours: pl.DataFrame, running: pl.DataFrame, ago: str) -> pl.DataFrame:
        return honest(hours.with_columns(pl.col("time_hour").dt.offset_by("1h")), running, ago)

    monkeypatch.setattr(sources, "_running_at", ahead)
    verdict = judged(season, season.features, travelled(tables, season), limits)
    assert not verdict.passed
    assert "recent_delay changes" in verdict.reason


def test_fault_time_travel_was_not_made(season: Season, travel: leakage.TimeTravel, limits: Gates) -> None:
    table = season.features
    nothing = replace(travel, used=travel.used.clear(), as_of=travel.as_of.clear())
    assert not judged(season, table, nothing, limits).passed
    assert not judged(season, table.drop("temp"), travel, limits).passed


def test_fault_outcome_shows_in_what_is_missing(season: Season, travel: leakage.TimeTravel, limits: Gates) -> None:
    late = season.rows[contract.LABEL] == 1
    marked_late = pl.select(pl.when(late).then(1.0).otherwise(float("nan"))).to_series()
    verdict = judged(season, season.features.with_columns(marked_late.alias("note")), travel, limits)
    assert not verdict.passed
    assert "note alone reaches an AUC of 1.000" in verdict.reason


def test_fault_labels_are_all_alike(season: Season, travel: leakage.TimeTravel, limits: Gates) -> None:
    outcomes = season.rows.select(pl.col("outcome.arr_delay").alias("arr_delay"))
    label = np.zeros(season.rows.height)
    assert not leakage.judge(season.features, label, outcomes, travel, limits.leakage).passed


def travelled(tables: dict[str, pl.DataFrame], season: Season) -> leakage.TimeTravel:
    """What featurize does, for one hour of the season, by the sources module as it is now."""
    rows = sources.join(tables)
    moment = rows.filter(pl.col("period") == season.rows["period"][0])["time_hour"].unique().sort()[300]
    used = rows.filter(pl.col("time_hour") == moment)
    as_of = sources.join(sources.as_of(tables, moment)).filter(pl.col("time_hour") == moment)
    state = features.fit(rows)
    return leakage.TimeTravel(*(_features(frame, state) for frame in (used, as_of)))


def _features(rows: pl.DataFrame, state: dict[str, dict[str, int]]) -> pl.DataFrame:
    columns = features.transform(Table(rows), state)
    return pl.DataFrame(dict(zip(features.NAMES, columns, strict=True)))


def test_fault_outcome_upside_down_in_a_feature_that_says_little(
    season: Season, travel: leakage.TimeTravel, limits: Gates
) -> None:
    sneaked = season.features.with_columns((-0.5 * season.rows["outcome.air_time"].cast(pl.Float64)).alias("ballast"))
    verdict = judged(season, sneaked, travel, limits)
    assert "ballast is a copy of air_time" in verdict.reason
    assert not verdict.passed
