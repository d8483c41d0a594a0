"""What the detector measured, as a value that survives JSON, so that it can be judged in another environment."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Week:
    """One compared week.

    Attributes:
        name: its first and last day.
        role: ``training`` (calibrates), ``evaluated`` (out of calibration) or ``judged`` (the verdict is about it).
        effects: figure to effect, 0..1.
        p_values: figure to p-value, for figures that are a test's.
        thresholds: figure to the effect above which it has drifted, by a calibration without this week's month.
    """

    name: str
    role: str
    effects: Mapping[str, float]
    p_values: Mapping[str, float]
    thresholds: Mapping[str, float]

    def drifted(self) -> list[str]:
        """The figures above their threshold, the furthest above first."""
        over = {name: effect - self.thresholds[name] for name, effect in self.effects.items()}
        return sorted((name for name in over if over[name] > 0), key=lambda name: (-over[name], name))


@dataclass(frozen=True)
class Trial:
    """One injected shift and whether it alarmed; see :class:`Power`."""

    kind: str
    required: bool
    target: str
    noticed: bool


@dataclass(frozen=True)
class Power:
    """How many of the injected shifts of one kind alarmed.

    Attributes:
        kind: the kind of shift.
        required: whether the gate asks for it, or only shows it.
        injected: how many were injected.
        noticed: how many of these alarmed.
        by_target: column or category to (noticed, injected).
    """

    kind: str
    required: bool
    injected: int
    noticed: int
    by_target: Mapping[str, tuple[int, int]]


def summarised(trials: Iterable[Trial]) -> tuple[Power, ...]:
    """The power of each kind of shift, in order of name."""
    counts: dict[tuple[str, bool], dict[str, list[bool]]] = {}
    for trial in trials:
        counts.setdefault((trial.kind, trial.required), {}).setdefault(trial.target, []).append(trial.noticed)
    return tuple(
        Power(
            kind=kind,
            required=required,
            injected=sum(len(noticed) for noticed in targets.values()),
            noticed=sum(sum(noticed) for noticed in targets.values()),
            by_target={target: (sum(noticed), len(noticed)) for target, noticed in sorted(targets.items())},
        )
        for (kind, required), targets in sorted(counts.items())
    )


@dataclass(frozen=True)
class Reading:
    """All that the drift gate judges.

    Attributes:
        reference: ``season`` or ``nearest``, see :mod:`slipway.drift.windows`.
        unjudged_rows: rows after the last whole week, which the next run will judge.
        weeks: every compared week, oldest first.
        power: one entry per kind of shift.
    """

    reference: str
    unjudged_rows: int
    weeks: tuple[Week, ...]
    power: tuple[Power, ...]

    def with_role(self, role: str) -> list[Week]:
        """The weeks of that role, oldest first."""
        return [week for week in self.weeks if week.role == role]

    def as_json(self) -> dict[str, Any]:
        """As dictionaries, lists, strings and numbers."""
        return asdict(self)


def from_json(value: Mapping[str, Any]) -> Reading:
    """The reading that :meth:`Reading.as_json` wrote."""
    power = tuple(
        Power(**{**entry, "by_target": {name: (hit, of) for name, (hit, of) in entry["by_target"].items()}})
        for entry in value["power"]
    )
    weeks = tuple(Week(**week) for week in value["weeks"])
    return Reading(value["reference"], value["unjudged_rows"], weeks, power)
