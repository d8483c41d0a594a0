from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from slipway.drift.windows import WEEK, Window, best_kind, reference, whole_weeks

FIRST = datetime(2019, 1, 1, 6, tzinfo=UTC)
MIDNIGHT = datetime(2019, 1, 1, tzinfo=UTC)


def week(year: int, month: int, day: int) -> Window:
    start = datetime(year, month, day, tzinfo=UTC)
    return Window(start, start + WEEK)


def test_weeks_are_whole_and_start_on_monday() -> None:
    weeks = whole_weeks(FIRST, datetime(2019, 1, 29, 12, tzinfo=UTC))
    assert [entry.name for entry in weeks] == [
        "2019-01-07..2019-01-13",
        "2019-01-14..2019-01-20",
        "2019-01-21..2019-01-27",
    ]
    assert all(entry.start.weekday() == 0 for entry in weeks)


def test_a_week_without_its_last_day_is_not_whole() -> None:
    assert whole_weeks(FIRST, datetime(2019, 1, 12, 23, tzinfo=UTC)) == []
    assert len(whole_weeks(FIRST, datetime(2019, 1, 13, 1, tzinfo=UTC))) == 1


def test_a_window_holds_its_start_and_not_its_end() -> None:
    window = week(2019, 1, 7)
    times = [window.start - timedelta(1), window.start, window.end - timedelta(1), window.end]
    rows = window.rows(pl.DataFrame({"time": times}), "time")
    assert rows["time"].to_list() == times[1:3]


def test_nearest_are_the_weeks_before() -> None:
    window = week(2019, 2, 4)
    assert reference(window, "nearest", 4, FIRST) == [Window(window.start - 4 * WEEK, window.start)]


def test_nearest_needs_all_its_weeks() -> None:
    assert reference(week(2019, 1, 21), "nearest", 4, FIRST) == []


def test_season_is_the_same_weeks_a_year_earlier() -> None:
    (span,) = reference(week(2020, 2, 3), "season", 4, FIRST)
    assert span == Window(datetime(2019, 1, 21, tzinfo=UTC), datetime(2019, 2, 25, tzinfo=UTC))
    assert span.start.weekday() == 0


def test_season_takes_every_earlier_year() -> None:
    spans = reference(week(2021, 3, 1), "season", 4, FIRST)
    assert [span.start.year for span in spans] == [2019, 2020]
    assert spans == sorted(spans)


def test_season_needs_its_margin_in_history() -> None:
    assert reference(week(2020, 1, 6), "season", 4, FIRST) == []
    assert reference(week(2019, 7, 1), "season", 4, FIRST) == []


@pytest.mark.parametrize("weeks", [2, 26])
def test_no_reference_reaches_into_its_window(weeks: int) -> None:
    window = week(2021, 3, 1)
    for kind in ("season", "nearest"):
        spans = reference(window, kind, weeks, FIRST)
        assert spans
        assert all(span.end <= window.start for span in spans)


def test_kind_is_season_once_enough_training_weeks_have_one() -> None:
    weeks = whole_weeks(FIRST, MIDNIGHT + timedelta(days=730))
    training, judged = weeks[:-8], weeks[-4:]
    assert best_kind(training, judged, 4, FIRST, fewest=20) == "season"
    assert best_kind(training, judged, 4, FIRST, fewest=60) == "nearest"


def test_kind_is_nearest_within_a_first_year() -> None:
    weeks = whole_weeks(FIRST, MIDNIGHT + timedelta(days=364))
    assert best_kind(weeks[:-8], weeks[-4:], 4, FIRST, fewest=1) == "nearest"
