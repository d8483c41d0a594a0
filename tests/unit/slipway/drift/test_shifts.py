from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from slipway.drift.shifts import all_shifts, altered, moved, moving_reading, stuck, weighty
from slipway.drift.watch import Faults

EVERYWHERE = pl.lit(True)
NORTH = pl.col("station") == "north"


@pytest.fixture
def rows() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "station": ["north", "south"] * 50,
            "kind": ["a"] * 90 + ["b"] * 10,
            "level": [float(value) for value in range(100)],
            "rain": [0.0] * 98 + [0.2, None],
            "whole": list(range(100)),
        }
    )


def test_a_sensor_is_stuck_only_where_it_fails(rows: pl.DataFrame) -> None:
    held = stuck(rows, "level", 7.0, NORTH)
    assert set(held.filter(NORTH)["level"]) == {7.0}
    assert held.filter(~NORTH).equals(rows.filter(~NORTH))


def test_a_sensor_at_rest_sticks_at_its_first_other_reading(rows: pl.DataFrame) -> None:
    assert moving_reading(rows["rain"], rows["rain"]) == 0.2
    assert moving_reading(rows["rain"].head(50), rows["rain"]) is None
    assert moving_reading(rows["level"].tail(3), rows["level"]) == 97.0


def test_a_mean_moves_and_a_whole_number_may_become_a_fraction(rows: pl.DataFrame) -> None:
    assert moved(rows, "whole", 0.5, EVERYWHERE)["whole"].to_list()[:2] == [0.5, 1.5]


def test_a_circular_quantity_comes_round(rows: pl.DataFrame) -> None:
    assert moved(rows, "level", 60.0, EVERYWHERE, 100.0)["level"].to_list()[39:42] == [99.0, 0.0, 1.0]


def test_weighty_categories() -> None:
    assert weighty(pl.Series("kind", ["b"] * 50 + ["a"] * 149 + ["rare"])) == ["a", "b"]


def test_altered_counts_only_the_rows_that_are_hit(rows: pl.DataFrame) -> None:
    assert altered(rows, stuck(rows, "level", 0.0, NORTH), "level", NORTH) == pytest.approx(0.98)
    assert altered(rows, rows, "rain", EVERYWHERE) == 0.0


def test_all_stated_faults_are_injected_and_only_those_that_alter_something(rows: pl.DataFrame) -> None:
    faults = Faults(
        sensors=("level", "rain"),
        station="station",
        vanishing=("kind",),
        station_shift={"level": 1.0},
        shift={"whole": 1.0},
        limit={"whole": 0.5},
        circular={},
    )
    found = [(shift.kind, shift.target, shift.required) for shift in all_shifts(rows, rows, faults, turn=0)]
    assert found == [
        ("stuck at one station", "level", True),
        ("stuck everywhere", "level", True),
        ("stuck at one station", "rain", True),
        ("stuck everywhere", "rain", True),
        ("vanished", "a", True),
        ("vanished", "b", True),
        ("mean shifted at one station", "level", True),
        ("mean shifted", "whole", True),
        ("mean shifted by little", "whole", False),
    ]
    resting = all_shifts(rows.head(90), rows, replace(faults, vanishing=()), turn=0)
    assert "rain" not in {shift.target for shift in resting}


def test_stations_fail_in_rotation(rows: pl.DataFrame) -> None:
    faults = Faults(("level",), "station", (), {}, {}, {}, {})
    failing = []
    for turn in range(3):
        shift = next(all_shifts(rows, rows, faults, turn))
        failing.append(shift.rows.filter(pl.col("level") == 0.0)["station"].unique().sort().to_list())
    assert [stations[-1] for stations in failing] == ["north", "south", "north"]
