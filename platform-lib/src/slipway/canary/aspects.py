"""Errors, latency and scores as proportions: which answers count, and where they are cut.

Where the champion's durations and scores are cut is chosen from its earlier blocks only, as
:mod:`slipway.canary.proportions` demands; so is the share that it is expected to have beyond the cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from slipway.canary.proportions import Reals, Sample, two_samples
from slipway.rendering.canary import Canary, Latency
from slipway.serving.metrics import DURATION_BOUNDS

Whole = npt.NDArray[np.int64]

# Before anything is seen: one of 200 answers fails, as if half of 100 had been seen; a few answers lie as the cut says.
ERRORS_SEEN, ANSWERS_SEEN = 0.5, 100.0
LIKE_THE_CUT = 4.0


@dataclass(frozen=True)
class Tallies:
    """What one side answered, by block.

    Attributes:
        requests, errors: (..., blocks).
        durations: (..., blocks, buckets) by bucket of DURATION_BOUNDS.
        scores: (..., blocks, buckets) by bucket of SCORE_BOUNDS.
    """

    requests: Reals
    errors: Reals
    durations: Reals
    scores: Reals


@dataclass(frozen=True)
class Cut:
    """The two sides' shares by one criterion, and the evidence that they differ by more than is allowed.

    Attributes:
        champion, challenger: (..., blocks) what counts, of all.
        log_e: (..., blocks) logarithms of e-values.
        bounds: (..., blocks) indices of the bounds beyond which answers of champion and challenger count; None for
            errors.
        above: whether what lies above the bound counts, or what lies below.
    """

    champion: Sample
    challenger: Sample
    log_e: Reals
    bounds: tuple[Whole, Whole] | None = None
    above: bool = True


def errors(champion: Tallies, challenger: Tallies, margin: float) -> Cut:
    """Requests answered by 5xx, or never."""
    ours, theirs = (Sample(side.errors, side.requests) for side in (champion, challenger))
    expected = (_before(ours.hits) + ERRORS_SEEN) / (_before(ours.trials) + ANSWERS_SEEN)
    return Cut(ours, theirs, two_samples(ours, theirs, expected, margin))


def latency(champion: Tallies, challenger: Tallies, limits: Latency) -> Iterator[Cut]:
    """Durations beyond each of the champion's quantiles; the challenger's beyond ``ratio`` times as much, or the floor.

    If the challenger is at most ``ratio`` times as slow as the champion, no larger share of its answers lies beyond.
    """
    farther = np.maximum(_farther(limits.ratio), np.searchsorted(DURATION_BOUNDS, limits.floor_seconds))
    seen = _before(champion.durations, axis=-2)
    for quantile in limits.quantiles:
        bound = _quantile(seen, quantile)
        yield _cut(champion.durations, challenger.durations, seen, (bound, farther[bound]), quantile, 0.0, above=True)


def scores(champion: Tallies, challenger: Tallies, margin: float, quantiles: Sequence[float]) -> Iterator[Cut]:
    """Scores above each of the champion's quantiles, and those that are not."""
    seen = _before(champion.scores, axis=-2)
    for quantile in quantiles:
        bound = _quantile(seen, quantile)
        for above in (True, False):
            yield _cut(champion.scores, challenger.scores, seen, (bound, bound), quantile, margin, above=above)


def cuts_of(champion: Tallies, challenger: Tallies, settings: Canary) -> dict[str, list[Cut]]:
    """All that is compared of the two, by aspect."""
    return {
        "errors": [errors(champion, challenger, settings.errors.margin)],
        "latency": list(latency(champion, challenger, settings.latency)),
        "scores": list(scores(champion, challenger, settings.scores.margin, settings.scores.quantiles)),
    }


def averaged(cuts: Sequence[Cut]) -> Reals:
    """The mean of the cuts' e-values: an e-value of the whole aspect, as a logarithm."""
    mean: Reals = np.logaddexp.reduce([cut.log_e for cut in cuts], axis=0) - np.log(len(cuts))
    return mean


def _cut(
    ours: Reals, theirs: Reals, seen: Reals, bounds: tuple[Whole, Whole], quantile: float, margin: float, *, above: bool
) -> Cut:
    champion, challenger = (_beyond(side, bound, above) for side, bound in zip((ours, theirs), bounds, strict=True))
    before = _beyond(seen, bounds[0], above)
    prior = 1 - quantile if above else quantile
    expected = (before.hits + LIKE_THE_CUT * prior) / (before.trials + LIKE_THE_CUT)
    # Before the champion has answered there is no cut, and nothing to be compared.
    known = before.trials > 0
    champion, challenger = (Sample(side.hits * known, side.trials * known) for side in (champion, challenger))
    return Cut(champion, challenger, two_samples(champion, challenger, expected, margin), bounds, above)


def _before(counts: Reals, axis: int = -1) -> Reals:
    """What had been counted before each block."""
    so_far: Reals = np.cumsum(counts, axis=axis)
    return so_far - counts


def _quantile(seen: Reals, quantile: float) -> Whole:
    """(..., blocks) index of the lowest bound up to which at least ``quantile`` of what was seen lies."""
    below = np.cumsum(seen, axis=-1)
    reached = below[..., :-1] >= quantile * below[..., -1:]
    lowest: Whole = np.where(reached.any(axis=-1), reached.argmax(axis=-1), reached.shape[-1] - 1)
    return lowest


def _beyond(counts: Reals, bound: Whole, above: bool) -> Sample:
    """Of each block, how many lie above the bound, or not above it."""
    total = counts.sum(axis=-1)
    below = np.cumsum(counts, axis=-1)
    lower = np.take_along_axis(below, bound[..., np.newaxis], axis=-1)[..., 0]
    return Sample(total - lower if above else lower, total)


def _farther(ratio: float) -> Whole:
    """For each bound of durations the index of the one that lies ``ratio`` times as far; infinity's if none does."""
    bounds = np.array(DURATION_BOUNDS)
    return np.searchsorted(bounds, bounds * ratio)
