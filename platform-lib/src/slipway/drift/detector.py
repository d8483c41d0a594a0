"""The drift alarm of one model: calibrated on its training months, then asked about weeks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import polars as pl

from slipway.drift import calibration, shifts, windows
from slipway.drift.calibration import Calibration, Matrix
from slipway.drift.effects import Comparison, Outcome, UnmeasurableFeatureError, check, check_raw
from slipway.drift.reading import Power, Reading, Trial, Week, summarised
from slipway.drift.settings import Settings
from slipway.drift.watch import Watch
from slipway.drift.windows import DAY, Window
from slipway.errors import UsageError


class Detector:
    """History cut into weeks, with an alarm calibrated on those that end in training months.

    Args:
        history: raw rows of all periods.
        watch: what the model wants watched.
        settings: see :class:`Settings`.
        train_through: the last training month, as in 2013-09.

    Raises:
        UsageError: history has too few weeks.
        UnmeasurableFeatureError: a watched column holds NaN, or too few values.
    """

    def __init__(self, history: pl.DataFrame, watch: Watch, settings: Settings, train_through: str) -> None:
        self.watch = watch
        self.settings = settings
        self._raw = history.sort(watch.time, maintain_order=True)
        check_raw(self._raw, "history")
        self._view = watch.view(self._raw)
        check(self._view, watch, "history")
        self._times: tuple[datetime, datetime] = (self._raw[watch.time][0], self._raw[watch.time][-1])
        self._cut(train_through)
        self._comparisons = {week: self._comparison(week) for week in self.weeks}
        self._outcomes = {week: self._measure(week) for week in self.weeks}
        self.figures = list(self._outcomes[self.weeks[0]])
        self._calibrations: dict[str, Calibration] = {}

    def _cut(self, train_through: str) -> None:
        first, last = self._times
        weeks = windows.whole_weeks(first, last)
        training = [week for week in weeks if f"{week.end - DAY:%Y-%m}" <= train_through]
        judged = weeks[-self.settings.judged_weeks :]
        length = self.settings.reference_weeks
        self.kind = windows.best_kind(training, judged, length, first, self.settings.fewest_null_weeks)
        self.weeks = [week for week in weeks if windows.reference(week, self.kind, length, first)]
        self.judged = [week for week in self.weeks if week in judged and week not in training]
        self.training = [week for week in self.weeks if week in training]
        if len(self.judged) < len(judged):
            raise UsageError(
                f"{len(judged)} weeks are to be judged for drift, but only {len(self.judged)} lie after "
                f"{train_through} and have {length} weeks of history before them.",
                "Lower check_drift.judged_weeks or split.train_through, or add data.",
            )

    def _comparison(self, week: Window) -> Comparison:
        spans = windows.reference(week, self.kind, self.settings.reference_weeks, self._times[0])
        rows = pl.concat([self._rows_of_view(span) for span in spans])
        return Comparison(rows, self.watch, self.settings.compared_rows, f"the reference of {week.name}")

    def _rows_of_view(self, span: Window) -> pl.DataFrame:
        times = self._raw[self.watch.time]
        low, high = (int(times.search_sorted(edge, side="left")) for edge in (span.start, span.end))
        return self._view.slice(low, high - low)

    def _measure(self, week: Window) -> dict[str, Outcome]:
        rows = week.rows(self._raw, self.watch.time)
        return self._comparisons[week].outcomes(self.watch.view(rows), f"the week {week.name}")

    def calibration_for(self, week: Window) -> Calibration:
        """The calibration that has not seen the week's month: from the training weeks of all other months."""
        left_out = week.month if week in self.training else ""
        if left_out not in self._calibrations:
            kept = [other for other in self.training if other.month != left_out]
            effects = np.array([self._effects(self._outcomes[other]) for other in kept])
            self._calibrations[left_out] = calibration.calibrate(
                effects.reshape(len(kept), len(self.figures)), [other.month for other in kept],
                self.settings.material_effect, self.settings.family_alarm_rate,
            )  # fmt: skip
        return self._calibrations[left_out]

    def _effects(self, outcomes: Mapping[str, Outcome]) -> Matrix:
        return np.array([outcomes[figure][0] for figure in self.figures])

    def reading(self) -> Reading:
        """Every week against its thresholds, and the power on injected shifts."""
        unjudged = int((self._raw[self.watch.time] >= self.weeks[-1].end).sum())
        weeks = tuple(self._week(week, self._outcomes[week]) for week in self.weeks)
        return Reading(self.kind, unjudged, weeks, self.power())

    def week_with(self, week: Window, rows: pl.DataFrame) -> Week:
        """What ``week`` would read if its raw rows were ``rows``."""
        where = f"the week {week.name}"
        check_raw(rows, where)
        outcomes = self._comparisons[week].outcomes(self.watch.view(rows), where)
        return self._week(week, outcomes)

    def _week(self, week: Window, outcomes: Mapping[str, Outcome]) -> Week:
        role = "judged" if week in self.judged else "training" if week in self.training else "evaluated"
        return Week(
            name=week.name,
            role=role,
            effects={figure: outcomes[figure][0] for figure in self.figures},
            p_values={figure: p for figure in self.figures if (p := outcomes[figure][1]) is not None},
            thresholds=self._thresholds(week),
        )

    def _thresholds(self, week: Window) -> dict[str, float]:
        return dict(zip(self.figures, self.calibration_for(week).thresholds().tolist(), strict=True))

    def sample(self, train_through: str) -> pl.DataFrame:
        """At most ``sample_rows`` rows of the training months' view, spread evenly: what later traffic is held to."""
        past = self._view.filter(self._raw[self.watch.time].dt.strftime("%Y-%m") <= train_through)
        if past.height <= self.settings.sample_rows:
            return past
        return past.gather_every(-(-past.height // self.settings.sample_rows))

    def rows(self, week: Window) -> pl.DataFrame:
        """The raw rows of a week."""
        return week.rows(self._raw, self.watch.time)

    def reference_rows(self, week: Window) -> pl.DataFrame:
        """The raw rows that a week is compared with."""
        spans = windows.reference(week, self.kind, self.settings.reference_weeks, self._times[0])
        return pl.concat([span.rows(self._raw, self.watch.time) for span in spans])

    def power(self) -> tuple[Power, ...]:
        """How many injected shifts alarm, in every ``power_every``-th week that is not judged and quiet as it is."""
        quiet = [week for week in self.weeks if week not in self.judged]
        quiet = [week for week in quiet if not self._week(week, self._outcomes[week]).drifted()]
        trials: list[Trial] = []
        for turn, week in enumerate(quiet[:: self.settings.power_every]):
            trials += self._trials(week, turn)
        return summarised(trials)

    def _trials(self, week: Window, turn: int) -> list[Trial]:
        rows = self.rows(week)
        quiet = self.watch.view(rows)
        return [
            Trial(shift.kind, shift.required, shift.target, self._notices(week, self.watch.view(shift.rows), quiet))
            for shift in shifts.all_shifts(rows, self.reference_rows(week), self.watch.faults, turn)
        ]

    def _notices(self, week: Window, view: pl.DataFrame, quiet: pl.DataFrame) -> bool:
        try:
            return self._comparisons[week].alarms(view, quiet, self._thresholds(week))
        except UnmeasurableFeatureError:
            # The week itself would be refused by the feature's name, so the fault could not pass unseen.
            return True
