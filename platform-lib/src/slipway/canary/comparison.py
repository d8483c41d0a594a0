"""Challenger against champion: errors, latency and scores, each as often as one likes to look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from slipway.canary.aspects import Cut, Tallies, averaged, cuts_of
from slipway.canary.observation import Block, Counts
from slipway.rendering.canary import Canary
from slipway.serving.metrics import DURATION_BOUNDS, SCORE_BOUNDS

ASPECTS = ("errors", "latency", "scores")
# Evidence beyond that says nothing more, and a float holds it.
MOST = 500.0


@dataclass(frozen=True)
class Finding:
    """How one aspect stands so far.

    Attributes:
        aspect: "errors", "latency", "scores" or "shadow".
        e_value: the largest that the evidence against the challenger has been.
        threshold: at which it counts as worse.
        champion, challenger: the figures that are compared, as shares, in the cut where they differ most.
        said: the same in a sentence, with requests and margin.
    """

    aspect: str
    e_value: float
    threshold: float
    champion: float
    challenger: float
    said: str

    @property
    def worse(self) -> bool:
        """Whether the challenger is worse, beyond its margin."""
        return self.e_value >= self.threshold


def threshold(settings: Canary) -> float:
    """The e-value at which one aspect counts as worse: each may raise its equal part of the false alarms."""
    return (len(ASPECTS) + (settings.shadow is not None)) / settings.false_alarm


def compare(blocks: Sequence[Block], settings: Canary) -> tuple[Finding, ...]:
    """Compare what both answered since the challenger began.

    Args:
        blocks: oldest first; no block should hold a change of the weights, for within it both shares are its mean ones.
        settings: margins, quantiles and false alarms.

    Returns:
        A finding for each of errors, latency and scores. More blocks never make an e-value smaller.
    """
    champion = _tallied([block.champion for block in blocks])
    challenger = _tallied([block.challenger for block in blocks])
    found = cuts_of(champion, challenger, settings)
    return tuple(_found(aspect, cuts, settings) for aspect, cuts in found.items())


def _found(aspect: str, cuts: Sequence[Cut], settings: Canary) -> Finding:
    whole, enough = averaged(cuts), threshold(settings)
    clearest = whole.argmax() if whole.size else 0
    cut = max(cuts, key=lambda cut: cut.log_e[clearest] if whole.size else 0.0)
    e_value = float(np.exp(whole.max(initial=0.0).clip(max=MOST)))
    (champion, compared), (challenger, answers) = _totals(cut)
    said = "nothing has been answered by both yet"
    if compared and answers:
        said = f"{_SAY[aspect](cut, settings)} (e-value {_figure(e_value)}, {_figure(enough)} suffices)"
    return Finding(aspect, e_value, enough, champion, challenger, said)


def _tallied(counts: Sequence[Counts]) -> Tallies:
    return Tallies(
        np.array([each.requests for each in counts], float),
        np.array([each.errors for each in counts], float),
        np.array([each.durations for each in counts], float).reshape(-1, len(DURATION_BOUNDS) + 1),
        np.array([each.scores for each in counts], float).reshape(-1, len(SCORE_BOUNDS) + 1),
    )


def _totals(cut: Cut) -> tuple[tuple[float, int], tuple[float, int]]:
    """Share and number of the champion's and the challenger's answers, in blocks in which both answered."""
    both = (cut.champion.trials > 0) & (cut.challenger.trials > 0)
    hits, trials = ([float(side[both].sum()) for side in sides] for sides in zip(
        (cut.champion.hits, cut.champion.trials), (cut.challenger.hits, cut.challenger.trials), strict=True
    ))  # fmt: skip
    ours, theirs = ((hit / max(trial, 1.0), round(trial)) for hit, trial in zip(hits, trials, strict=True))
    return ours, theirs


def _of_errors(cut: Cut, settings: Canary) -> str:
    (ours, champion), (theirs, challenger) = _totals(cut)
    return (
        f"{percent(theirs)} of {challenger:,} answers are 5xx or never came, the champion's {percent(ours)} of "
        f"{champion:,}; "
        f"allowed are {_points(settings.errors.margin)} more"
    )


def _of_latency(cut: Cut, settings: Canary) -> str:
    (ours, champion), (theirs, challenger) = _totals(cut)
    assert cut.bounds is not None
    near, far = (_duration(int(bounds[-1])) for bounds in cut.bounds)
    return (
        f"{percent(theirs)} of {challenger:,} answers take longer than {far}, and {percent(ours)} of the champion's "
        f"{champion:,} longer than {near}; allowed is {settings.latency.ratio:g} times as long"
        f"{f', or {settings.latency.floor_seconds * 1000:g} ms' if settings.latency.floor_seconds else ''}"
    )


def _of_scores(cut: Cut, settings: Canary) -> str:
    (ours, champion), (theirs, challenger) = _totals(cut)
    assert cut.bounds is not None
    side = "above" if cut.above else "at most"
    return (
        f"{percent(theirs)} of {challenger:,} scores are {side} {SCORE_BOUNDS[cut.bounds[0][-1]]:g}, the champion's "
        f"{percent(ours)} of {champion:,}; allowed is {_points(settings.scores.margin)} more"
    )


_SAY: dict[str, Callable[[Cut, Canary], str]] = {"errors": _of_errors, "latency": _of_latency, "scores": _of_scores}


def percent(share: float) -> str:
    """A share, for people."""
    return f"{share * 100:.1f} %"


def _points(share: float) -> str:
    return "1 point" if share == 0.01 else f"{share * 100:g} points"


def _duration(bound: int) -> str:
    seconds = [*DURATION_BOUNDS, float("inf")][bound]
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


def _figure(value: float) -> str:
    """A number as one reads it: not more than is worth knowing."""
    return f"{value:,.0f}" if 100 <= value < 1e6 else f"{value:.3g}"
