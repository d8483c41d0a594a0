from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

from slipway.drift.detector import Detector
from slipway.drift.effects import UnmeasurableFeatureError
from slipway.drift.settings import Settings
from slipway.drift.watch import Watch
from slipway.errors import UsageError

pytestmark = pytest.mark.usefixtures("scipy_tests")
History = Callable[[int], pl.DataFrame]


def test_two_years_are_matched_by_season(history: History, watched: Watch, settings: Settings) -> None:
    """In season, the level's wave has no effect; against the weeks before it always has one."""
    matched = Detector(history(728), watched, settings, "2021-10")
    nearest = Detector(history(728), watched, replace(settings, fewest_null_weeks=60), "2021-10")
    assert (matched.kind, nearest.kind) == ("season", "nearest")
    in_season, out_of_season = (
        max(week.effects["level"] for week in detector.reading().with_role("training"))
        for detector in (matched, nearest)
    )
    assert in_season < 0.6
    assert out_of_season > 0.7
    spring = next(week for week in matched.weeks if week.month == "2021-04")
    assert set(matched.reference_rows(spring)["time"].dt.year()) == {2020}


def test_roles_keep_training_before_the_judged(history: History, watched: Watch, settings: Settings) -> None:
    reading = Detector(history(250), watched, settings, "2020-06").reading()
    roles = [week.role for week in reading.weeks]
    assert roles == sorted(roles, key=["training", "evaluated", "judged"].index)
    assert roles.count("judged") == 2
    assert reading.with_role("training")[-1].name < "2020-06-25"
    assert reading.unjudged_rows < 7 * 96


def test_a_later_month_cannot_change_a_training_threshold(history: History, watched: Watch, settings: Settings) -> None:
    rows = history(250)
    later = rows.with_columns(steady=pl.when(pl.col("time").dt.month() > 6).then(50.0).otherwise("steady"))
    before, after = (Detector(entry, watched, settings, "2020-06").reading() for entry in (rows, later))
    assert before.weeks[-1].thresholds == after.weeks[-1].thresholds
    assert "steady" not in before.weeks[20].drifted()
    assert any("steady" in week.drifted() for week in after.weeks)


def test_a_training_week_is_held_to_thresholds_without_its_month(
    history: History, watched: Watch, settings: Settings
) -> None:
    reading = Detector(history(250), watched, settings, "2020-06").reading()
    training = reading.with_role("training")
    assert training[0].thresholds != reading.weeks[-1].thresholds
    assert reading.with_role("evaluated")[0].thresholds == reading.weeks[-1].thresholds


def test_injected_shifts_are_counted_by_kind(history: History, watched: Watch, settings: Settings) -> None:
    power = {entry.kind: entry for entry in Detector(history(250), watched, settings, "2020-06").power()}
    assert set(power) == {
        "stuck at one station", "stuck everywhere", "vanished", "mean shifted", "mean shifted at one station",
    }  # fmt: skip
    assert power["vanished"].by_target.keys() == {"a", "b", "c"}
    assert power["vanished"].noticed == power["vanished"].injected > 0


def test_a_shifted_week_drifts_by_name(history: History, watched: Watch, settings: Settings) -> None:
    detector = Detector(history(250), watched, settings, "2020-06")
    newest = detector.judged[-1]
    shifted = detector.rows(newest).with_columns(pl.col("steady") + 2)
    assert "steady" not in detector.week_with(newest, detector.rows(newest)).drifted()
    assert detector.week_with(newest, shifted).drifted()[0] == "steady"


def test_nan_in_a_week_is_refused(history: History, watched: Watch, settings: Settings) -> None:
    detector = Detector(history(250), watched, settings, "2020-06")
    rows = detector.rows(detector.judged[-1]).with_columns(steady=pl.lit(float("nan")))
    with pytest.raises(UnmeasurableFeatureError, match="'steady' holds NaN"):
        detector.week_with(detector.judged[-1], rows)


def test_equal_history_gives_an_equal_reading(history: History, watched: Watch, settings: Settings) -> None:
    first, second = (Detector(history(200), watched, settings, "2020-05").reading() for _ in range(2))
    assert first == second


def test_order_of_rows_does_not_matter(history: History, watched: Watch, settings: Settings) -> None:
    rows = history(200)
    assert Detector(rows, watched, settings, "2020-05").reading() == (
        Detector(rows.reverse(), watched, settings, "2020-05").reading()
    )


def test_sample_is_small_and_of_training_months(history: History, watched: Watch, settings: Settings) -> None:
    sample = Detector(history(200), watched, settings, "2020-05").sample("2020-05")
    assert 500 < sample.height <= settings.sample_rows
    assert sample.columns == ["level", "steady", "kind", "station"]


def test_too_short_a_history_is_refused(history: History, watched: Watch, settings: Settings) -> None:
    with pytest.raises(UsageError, match="2 weeks are to be judged"):
        Detector(history(60), watched, settings, "2020-12")
