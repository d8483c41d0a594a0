"""From intervals to words: better, worse, or no significant difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from slipway.evaluation.metrics import HIGHER_IS_BETTER

TITLES = {
    "auc": "AUC (ROC)",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier score",
}


@dataclass(frozen=True)
class Measure:
    """One measure of the model, and how it changed against the champion.

    Attributes:
        name: as in metrics.json.
        title: for people.
        direction: "higher is better" or "lower is better".
        overall: value, low and high.
        change: this model's minus the champion's, paired: value, low and high; None without a champion.
        word: what ``change`` says; empty without a champion.
    """

    name: str
    title: str
    direction: str
    overall: Mapping[str, float]
    change: Mapping[str, float] | None
    word: str


def measures(overall: Mapping[str, Mapping[str, float]], comparison: Mapping[str, Any]) -> list[Measure]:
    """Each measure of ``overall`` beside its entry in ``comparison``, where that has a champion."""
    compared = comparison.get("champion") is not None
    return [
        Measure(
            name=name,
            title=title(name),
            direction="higher is better" if _higher(name) else "lower is better",
            overall=value,
            change=comparison.get(name) if compared else None,
            word=word(name, comparison[name]) if compared and name in comparison else "",
        )
        for name, value in sorted(overall.items(), key=lambda entry: _rank(entry[0]))
    ]


def word(name: str, change: Mapping[str, float]) -> str:
    """What an interval of the change in measure ``name`` says."""
    if change["low"] <= 0 <= change["high"]:
        return "no significant difference"
    return "better" if (change["low"] > 0) == _higher(name) else "worse"


def title(name: str) -> str:
    """The measure's name for people."""
    return TITLES.get(name, name)


def _higher(name: str) -> bool:
    return HIGHER_IS_BETTER.get(name, True)


def _rank(name: str) -> tuple[int, str]:
    known = list(TITLES)
    return (known.index(name) if name in known else len(known), name)
