from __future__ import annotations

import math
from collections.abc import Callable

import polars as pl
import pytest

from slipway.drift import two_sample
from slipway.drift.effects import Comparison, UnmeasurableFeatureError, check, check_raw, largest_loss
from slipway.drift.watch import Watch

History = Callable[[int], pl.DataFrame]


@pytest.fixture
def view(history: History) -> pl.DataFrame:
    return history(28).drop("time")


def compare(reference: pl.DataFrame, window: pl.DataFrame, watched: Watch) -> dict[str, tuple[float, float | None]]:
    return Comparison(reference, watched, 2000, "reference").outcomes(window, "window")


@pytest.mark.usefixtures("scipy_tests")
def test_equal_rows_have_no_effect(view: pl.DataFrame, watched: Watch) -> None:
    outcomes = compare(view, view, watched)
    assert set(outcomes) == {
        "level", "steady", "kind", "station", "level_missing", "steady_missing", "kind_missing", "station_missing",
        "kind_lost", "station_lost",
    }  # fmt: skip
    assert all(effect == pytest.approx(0.0, abs=1e-12) for effect, _ in outcomes.values())


@pytest.mark.usefixtures("scipy_tests")
def test_share_of_missing_is_watched_and_the_rest_compared(view: pl.DataFrame, watched: Watch) -> None:
    fewer = view.with_columns(steady=pl.when(pl.int_range(pl.len()) % 4 > 0).then("steady"))
    outcomes = compare(view, fewer, watched)
    assert outcomes["steady_missing"] == (0.25, None)
    assert outcomes["steady"][0] < 0.1
    assert outcomes["steady"][1] is not None


@pytest.mark.usefixtures("scipy_tests")
def test_one_failing_station_is_not_diluted_by_the_others(view: pl.DataFrame, watched: Watch) -> None:
    off = view.with_columns(level=pl.when(pl.col("station") == "north").then(pl.lit(99.0)).otherwise("level"))
    assert compare(view, off, watched)["level"][0] == 1.0


@pytest.mark.usefixtures("scipy_tests")
def test_vanished_category_has_lost_all_its_share(view: pl.DataFrame, watched: Watch) -> None:
    assert compare(view, view.filter(pl.col("kind") != "c"), watched)["kind_lost"][0] == 1.0


@pytest.mark.usefixtures("scipy_tests")
def test_alarms_looks_only_at_columns_that_changed(view: pl.DataFrame, watched: Watch) -> None:
    comparison = Comparison(view, watched, 2000, "reference")
    below_all = dict.fromkeys(comparison.outcomes(view, "window"), -1.0)
    assert not comparison.alarms(view, view, below_all)
    assert comparison.alarms(view.with_columns(pl.col("steady") + 1), view, below_all)


@pytest.mark.usefixtures("scipy_tests")
def test_alarms_agrees_with_outcomes(view: pl.DataFrame, watched: Watch) -> None:
    comparison = Comparison(view, watched, 2000, "reference")
    shifted = view.with_columns(pl.col("steady") + 1)
    effect = comparison.outcomes(shifted, "window")["steady"][0]
    around = dict.fromkeys(comparison.outcomes(view, "window"), effect)
    assert not comparison.alarms(shifted, view, around)
    assert comparison.alarms(shifted, view, around | {"steady": effect - 1e-9})


@pytest.mark.usefixtures("scipy_tests")
def test_equal_input_gives_equal_bits(view: pl.DataFrame, watched: Watch) -> None:
    window = view.with_columns(pl.col("steady") * 1.1)
    assert compare(view, window, watched) == compare(view, window, watched)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_nan_is_refused_by_the_feature_s_name(view: pl.DataFrame, watched: Watch, value: float) -> None:
    broken = view.with_columns(steady=pl.when(pl.int_range(pl.len()) == 5).then(pl.lit(value)).otherwise("steady"))
    with pytest.raises(UnmeasurableFeatureError, match="'steady' holds NaN or an infinity in June"):
        check(broken, watched, "June")


def test_nan_in_raw_rows_is_refused_by_name() -> None:
    check_raw(pl.DataFrame({"wind": [1.0, None], "name": ["a", "b"]}), "June")
    with pytest.raises(UnmeasurableFeatureError, match="'wind' holds NaN"):
        check_raw(pl.DataFrame({"wind": [1.0, math.nan]}), "June")


def test_too_few_values_are_refused_by_the_feature_s_name(view: pl.DataFrame, watched: Watch) -> None:
    sparse = view.with_columns(steady=pl.when(pl.int_range(pl.len()) < 29).then("steady"))
    with pytest.raises(UnmeasurableFeatureError, match="'steady' has 29 values in June"):
        check(sparse, watched, "June")


@pytest.mark.usefixtures("scipy_tests")
def test_too_few_values_at_every_station_are_refused(view: pl.DataFrame, watched: Watch) -> None:
    sparse = view.with_columns(level=pl.when(pl.int_range(pl.len()) < 150).then("level"))
    with pytest.raises(UnmeasurableFeatureError, match="'level' has fewer than 100 values at every station in window"):
        compare(view, sparse, watched)


def test_an_absent_column_is_refused_by_name(view: pl.DataFrame, watched: Watch) -> None:
    with pytest.raises(UnmeasurableFeatureError, match="lacks the column 'kind'"):
        check(view.drop("kind"), watched, "June")


def test_a_test_without_an_answer_is_refused(
    view: pl.DataFrame, watched: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(two_sample, "kolmogorov_smirnov", lambda _: lambda _: (0.0, math.nan))
    with pytest.raises(UnmeasurableFeatureError, match="test of feature 'level' in window"):
        compare(view, view, watched)


def test_loss_of_a_rare_category_does_not_count() -> None:
    before = pl.Series("kind", ["a"] * 996 + ["rare"] * 4)
    assert largest_loss(before, pl.Series("kind", ["a"] * 10)) == 0.0


def test_half_a_share_lost() -> None:
    before, after = pl.Series("kind", ["a", "b"] * 50), pl.Series("kind", ["a", "a", "a", "b"] * 25)
    assert largest_loss(before, after) == pytest.approx(0.5)
