"""The whole of it, with the real release: equal bits, quarantine, resumption, refusals."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from slipway.batch import Job, pipeline, plan, predict
from slipway.batch.run import RowsRefused
from slipway.contracts.request import RequestRules
from slipway.errors import UsageError
from slipway.files import sha256_folder
from slipway.release import Release
from tests.live_server import frame, rows

MEASURES = ["temp", "dewp", "humid", "precip", "visib"]


@pytest.fixture(autouse=True)
def _many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "ROWS_PER_PART", 700)
    monkeypatch.setattr(pipeline, "ROWS_PER_BLOCK", 300)


@pytest.fixture
def table(tmp_path: Path, flights: pl.DataFrame) -> Path:
    flights.write_parquet(tmp_path / "flights.parquet")
    return tmp_path / "flights.parquet"


def served(release: Release, raw: pl.DataFrame) -> np.ndarray:
    """The score that the server gives for each row."""
    request = RequestRules(release.fields)
    names = [field.name for field in release.fields]
    return np.array([release.score_row(request.row(row)) for row in raw.select(names).to_dicts()])


def spoilt(flights: pl.DataFrame, *places: int) -> pl.DataFrame:
    """The flights with two broken rules in each of the rows ``places``."""
    here = pl.int_range(pl.len()).is_in(list(places))
    return flights.with_columns(
        temp=pl.when(here).then(500.0).otherwise("temp"), month=pl.when(here).then(13).otherwise("month")
    )


def test_equal_bits_with_the_served_answer(release: Release, table: Path, flights: pl.DataFrame) -> None:
    summary = predict(release, Job([str(table)], table.parent / "out"))
    found = pl.read_parquet(table.parent / "out")
    scores = served(release, flights)
    assert found[release.score_name].to_numpy().tobytes() == scores.tobytes()
    assert found[release.decision_name].to_list() == [bool(score >= release.threshold) for score in scores]
    assert 0 < sum(found[release.decision_name]) < found.height
    assert found["row"].to_list() == list(range(2500))
    assert found["file"].unique().to_list() == [str(table)]
    assert (summary.rows, summary.scored, summary.quarantined, summary.resumed, summary.parts) == (2500, 2500, 0, 0, 4)


def test_equal_bits_for_rows_at_the_bounds_in_other_types(release: Release, tmp_path: Path) -> None:
    narrow = {field.name: pl.Int16 if field.kind == "integer" else pl.Float32 for field in release.fields}
    kept = [field.name for field in release.fields if field.kind == "string" or field.multiple_of]
    raw = frame(release.fields, rows(release.fields, 2000, seed=5))
    raw = raw.with_columns(pl.col(name).cast(dtype) for name, dtype in narrow.items() if name not in kept)
    raw = raw.with_columns(pl.col("carrier").cast(pl.Categorical), pl.col("month").cast(pl.Float64))
    raw.write_parquet(tmp_path / "odd.parquet")
    predict(release, Job([str(tmp_path / "odd.parquet")], tmp_path / "out"))
    found = pl.read_parquet(tmp_path / "out")[release.score_name]
    assert found.to_numpy().tobytes() == served(release, raw).tobytes()


def test_the_release_stands_in_each_file(release: Release, table: Path) -> None:
    predict(release, Job([str(table)], table.parent / "out"))
    for file in (table.parent / "out").iterdir():
        facts = pl.read_parquet_metadata(file)
        assert (facts["slipway.release"], facts["slipway.model"]) == (release.digest, release.model)
        assert float(facts["slipway.threshold"]) == release.threshold


def test_columns_are_carried_through(release: Release, table: Path, flights: pl.DataFrame) -> None:
    predict(release, Job([str(table)], table.parent / "out", keep=["flight", "tailnum", "month"]))
    found = pl.read_parquet(table.parent / "out")
    assert found.columns == ["flight", "tailnum", "month", release.score_name, release.decision_name]
    assert found.select("flight", "tailnum", "month").equals(flights.select("flight", "tailnum", "month"))


def test_bad_rows_end_the_run_by_name_and_lose_nothing(release: Release, tmp_path: Path, flights: pl.DataFrame) -> None:
    bad = tmp_path / "bad.parquet"
    spoilt(flights, 1500, 1501, 2000).write_parquet(bad)
    with pytest.raises(RowsRefused) as refused:
        predict(release, Job([str(bad)], tmp_path / "out"))
    said = refused.value.what.splitlines()
    assert said[0] == f"{bad} breaks the rules of a request in 3 of its rows 1400 to 2099 (counted from 0):"
    assert said[1] == "  row 1500, field 'month': 13 is above 12 (rule maximum)"
    assert said[2] == "  row 1500, field 'temp': 500.0 is above 130 °F (rule maximum)"
    assert len(said) == 7
    assert not (tmp_path / "out").exists()
    summary = predict(release, Job([str(bad)], tmp_path / "out", quarantine=tmp_path / "refused"))
    assert (summary.resumed, summary.quarantined, summary.scored) == (1400, 3, 2497)
    assert pl.read_parquet(tmp_path / "out")["row"].to_list() == [
        row for row in range(2500) if row not in (1500, 1501, 2000)
    ]
    set_aside = pl.read_parquet(tmp_path / "refused")
    assert set_aside["row"].to_list() == [1500, 1501, 2000]
    assert set_aside["reasons"].to_list() == [["month: maximum", "temp: maximum"]] * 3
    assert set_aside["temp"].to_list() == [500.0] * 3
    assert set_aside["dest"].to_list() == [flights["dest"][row] for row in (1500, 1501, 2000)]


def test_the_same_command_again_misses_the_rows_that_were_set_aside(
    release: Release, tmp_path: Path, flights: pl.DataFrame
) -> None:
    bad = tmp_path / "bad.parquet"
    spoilt(flights, 1500).write_parquet(bad)
    job = Job([str(bad)], tmp_path / "out", quarantine=tmp_path / "refused")
    assert predict(release, job).as_json() == predict(release, job).as_json() | {"resumed": 0}
    shutil.rmtree(tmp_path / "refused")
    with pytest.raises(UsageError, match="1 of the rows that it refused are not in"):
        predict(release, job)


def test_the_same_command_again_scores_nothing(release: Release, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = predict(release, Job([str(table)], table.parent / "out"))
    before = sha256_folder(table.parent / "out")
    monkeypatch.setattr("slipway.batch.run.score_block", _never)
    again = predict(release, Job([str(table)], table.parent / "out"))
    assert again.as_json() == {**first.as_json(), "resumed": 2500}
    assert sha256_folder(table.parent / "out") == before


def _never(*_: Any) -> None:
    raise AssertionError("a row was scored")


def test_an_output_is_not_taken_for_that_of_a_changed_input(
    release: Release, table: Path, flights: pl.DataFrame
) -> None:
    predict(release, Job([str(table)], table.parent / "out"))
    flights.reverse().write_parquet(table)
    with pytest.raises(UsageError, match="not the output of this very run"):
        predict(release, Job([str(table)], table.parent / "out"))


def test_an_input_that_changed_meanwhile_is_not_mixed_in(
    release: Release, tmp_path: Path, flights: pl.DataFrame
) -> None:
    table = tmp_path / "bad.parquet"
    spoilt(flights, 2000).write_parquet(table)
    with pytest.raises(RowsRefused):
        predict(release, Job([str(table)], tmp_path / "out"))
    flights.write_parquet(table)
    with pytest.raises(UsageError, match=r"bad\.parquet has changed.*remove .*/\.out\.unfinished to begin anew"):
        predict(release, Job([str(table)], tmp_path / "out"))


@pytest.mark.parametrize(
    ("names", "output", "keep", "quarantine", "said"),
    [
        (["flights.parquet"], "out", ["late"], None, "--keep names late"),
        (["flights.parquet"], "out", ["flight", "flight"], None, "--keep names a column twice"),
        (["."], "out", [], None, "lie within each other"),
        (["flights.parquet"], ".", [], None, "lie within each other"),
        (["."], "../out", [], "refused", "lie within each other"),
        (["flights.parquet"], "out", [], "./out", "lie within each other"),
        (["flights.parquet"], "out", [], "out/refused", "lie within each other"),
    ],
)
def test_names_that_clash(
    release: Release,
    table: Path,
    monkeypatch: pytest.MonkeyPatch,
    names: Sequence[str],
    output: str,
    keep: Sequence[str],
    quarantine: str | None,
    said: str,
) -> None:
    monkeypatch.chdir(table.parent)
    with pytest.raises(UsageError, match=said):
        predict(release, Job(names, Path(output), keep, Path(quarantine) if quarantine else None))
