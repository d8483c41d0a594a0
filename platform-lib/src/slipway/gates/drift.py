"""Gate ``drift``: the newest weeks still look like history, by an alarm that is shown to be neither deaf nor shrill."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, ClassVar

from annotated_types import Ge, Interval

from slipway.drift.calibration import wilson
from slipway.drift.reading import Power, Reading, Week
from slipway.gates.verdict import Verdict


@dataclass(frozen=True)
class Thresholds:
    """What the alarm itself must prove before its silence counts.

    Attributes:
        max_false_alarm_rate: share of weeks without drift, out of calibration, that may alarm.
        min_null_weeks: how many such weeks there must be.
        min_power: share of the injected shifts of each required kind that must alarm.
        min_injected: how many there must be of each kind.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    max_false_alarm_rate: Annotated[float, Interval(gt=0, le=0.05)]
    min_null_weeks: Annotated[int, Ge(20)]
    min_power: Annotated[float, Interval(ge=0.8, le=1)]
    min_injected: Annotated[int, Ge(10)]


def judge(reading: Reading, thresholds: Thresholds) -> Verdict:
    """Red if a judged week drifts, if any figure is not finite, or if the alarm misses its own bounds."""
    broken = _not_finite(reading)
    faults = [broken] if broken else [*_drift(reading), *_shrill(reading, thresholds), *_deaf(reading, thresholds)]
    return Verdict(
        gate="drift",
        passed=not faults,
        reason=" ".join(faults) if faults else _all_clear(reading),
        figures={} if broken else _figures(reading),
        thresholds=asdict(thresholds),
    )


def _not_finite(reading: Reading) -> str:
    for week in reading.weeks:
        for kind, values in (("effect", week.effects), ("p-value", week.p_values), ("threshold", week.thresholds)):
            names = [name for name, value in values.items() if not math.isfinite(value)]
            if names or not values:
                named = ", ".join(names) or "any feature"
                return f"The {kind} of {named} in the week {week.name} is not a finite number, so nothing is known."
    return "" if reading.with_role("judged") else "No week was judged."


def _drift(reading: Reading) -> list[str]:
    return [
        f"The week {week.name} has drifted: {', '.join(_by_how_much(week, name) for name in week.drifted())}."
        for week in reading.with_role("judged")
        if week.drifted()
    ]


def _by_how_much(week: Week, name: str) -> str:
    return f"{name} by {week.effects[name]:.3f} (threshold {week.thresholds[name]:.3f})"


def _shrill(reading: Reading, thresholds: Thresholds) -> list[str]:
    null = _null_weeks(reading)
    alarms = [week.name for week in null if week.drifted()]
    if len(null) < thresholds.min_null_weeks:
        return [f"Only {len(null)} weeks measure false alarms; {thresholds.min_null_weeks} are needed."]
    if len(alarms) / len(null) > thresholds.max_false_alarm_rate:
        return [
            f"The alarm is not calibrated: {len(alarms)} of {len(null)} weeks without drift alarm "
            f"({', '.join(alarms)}), more than {thresholds.max_false_alarm_rate:.0%}."
        ]
    return []


def _deaf(reading: Reading, thresholds: Thresholds) -> list[str]:
    required = [power for power in reading.power if power.required]
    if not required:
        return ["No shift was injected, so the alarm's power is unknown."]
    faults = []
    for power in required:
        if power.injected < thresholds.min_injected:
            faults.append(f"Only {power.injected} shifts of kind {power.kind!r} were injected.")
        elif power.noticed / power.injected < thresholds.min_power:
            faults.append(
                f"The alarm is deaf: it noticed {power.noticed} of {power.injected} shifts of kind {power.kind!r}, "
                f"less than {thresholds.min_power:.0%} (missed: {', '.join(_missed(power))})."
            )
    return faults


def _missed(power: Power) -> list[str]:
    return [f"{target} {of - hit} of {of}" for target, (hit, of) in power.by_target.items() if hit < of]


def _null_weeks(reading: Reading) -> list[Week]:
    return [week for week in reading.weeks if week.role != "judged"]


def _all_clear(reading: Reading) -> str:
    null = _null_weeks(reading)
    alarms = sum(bool(week.drifted()) for week in null)
    required = [power for power in reading.power if power.required]
    noticed, injected = sum(power.noticed for power in required), sum(power.injected for power in required)
    return (
        f"None of the {len(reading.with_role('judged'))} newest whole weeks has drifted, by an alarm that rings in "
        f"{alarms} of {len(null)} weeks without drift and in {noticed} of {injected} with an injected shift."
    )


def _figures(reading: Reading) -> dict[str, Any]:
    null = _null_weeks(reading)
    alarms = [week.name for week in null if week.drifted()]
    return {
        "reference": reading.reference,
        "judged": {week.name: _worst(week) for week in reading.with_role("judged")},
        "drifted": sorted({name for week in reading.with_role("judged") for name in week.drifted()}),
        "features": _features(reading),
        "false_alarms": {"alarms": len(alarms), "weeks": len(null), "which": alarms} | _rate(len(alarms), len(null)),
        "power": {power.kind: _power(power) for power in reading.power},
        "unjudged_rows": reading.unjudged_rows,
    }


def _features(reading: Reading) -> dict[str, dict[str, float]]:
    """Per figure the largest effect in the judged weeks, and its threshold."""
    judged = reading.with_role("judged")
    return {
        name: {"effect": max(week.effects[name] for week in judged), "threshold": judged[-1].thresholds[name]}
        for name in judged[-1].effects
    }


def _worst(week: Week) -> dict[str, Any]:
    name = max(week.effects, key=lambda name: (week.effects[name] / week.thresholds[name], name))
    return {"figure": name, "effect": week.effects[name], "threshold": week.thresholds[name]}


def _power(power: Power) -> Mapping[str, Any]:
    return {
        "required": power.required,
        "noticed": power.noticed,
        "injected": power.injected,
        "missed": _missed(power),
    } | _rate(power.noticed, power.injected)


def _rate(hits: int, trials: int) -> dict[str, float]:
    low, high = wilson(hits, trials)
    return {"rate": hits / trials if trials else 0.0, "low": low, "high": high}
