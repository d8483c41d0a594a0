"""Traffic of a roll-out that never was: what champion and challenger would answer, for the simulation.

Scores are those of the reference model, of July to December; durations are quantiles of 20,000 single-row requests to
its server on a busy machine, times a hundred: it answers in a fraction of what canary.yaml calls fast in any case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slipway.canary.aspects import Tallies
from slipway.canary.proportions import Reals
from slipway.rendering.canary import Step
from slipway.serving.metrics import DURATION_BOUNDS, SCORE_BOUNDS

LEVELS = (0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 1.0)
SECONDS = (
    3e-3, 3.48e-3, 3.83e-3, 4.64e-3, 4.95e-3, 5.3e-3, 6.0e-3, 6.81e-3, 8.0e-3, 9.8e-3, 1.24e-2, 1.62e-2, 2.37e-2,
    5.11e-2, 8.25e-2, 0.196, 0.464, 2.0,
)  # fmt: skip
SCORES = (
    0.027, 0.052, 0.069, 0.082, 0.102, 0.122, 0.144, 0.169, 0.199, 0.238, 0.299, 0.422, 0.560, 0.795, 0.836, 0.885,
    0.925, 0.946,
)  # fmt: skip
SCORES_SD = 0.1545
# A bump of errors that both suffer, as when something that they depend on fails.
OUTAGE = 0.01


@dataclass(frozen=True)
class Behaviour:
    """How a release answers.

    Attributes:
        errors: share of 5xx.
        slower: so many times as long its answers take,
        beyond: of those that are beyond this quantile.
        shift: added to its scores.
        upset: this share of its lowest scores is 1 instead: beyond each cut lies so much more.
    """

    errors: float = 0.001
    slower: float = 1.0
    beyond: float = 0.0
    shift: float = 0.0
    upset: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """What is asked of each side, by block.

    Attributes:
        champion, challenger: (blocks,) requests.
        hour: (blocks,) time of the roll-out, from 0 to 1.
    """

    champion: Reals
    challenger: Reals
    hour: Reals


def schedule(steps: Sequence[Step], per_block: float, varies: float) -> Schedule:
    """The blocks that the steps take, until the challenger has answered its requests of each.

    Args:
        steps: of canary.yaml; at 100 % nothing can be compared, so that it has no blocks.
        per_block: requests of a block.
        varies: share by which that rises and falls over the roll-out.
    """
    ours: list[float] = []
    theirs: list[float] = []
    for step in steps:
        left, weight = float(step.requests), step.weight / 100
        while left > 0 and weight < 1:
            share = min(left, np.rint(weight * per_block * (1 + varies * np.sin(len(ours) / 7))))
            theirs.append(share)
            ours.append(np.rint(share / weight * (1 - weight)))
            left -= share
    return Schedule(np.array(ours), np.array(theirs), np.linspace(0, 1, len(ours)))


def answers(
    plan: Schedule, requests: Reals, behaviour: Behaviour, runs: int, varies: bool, chance: np.random.Generator
) -> Tallies:
    """What a release answers in many roll-outs.

    Args:
        plan: its times.
        requests: (blocks,) asked of it.
        behaviour: how it answers.
        runs: how many roll-outs.
        varies: whether errors, durations and scores of both sides also rise and fall in time.
        chance: of the simulation.
    """
    wave = np.sin(2 * np.pi * 3 * plan.hour) if varies else np.zeros_like(plan.hour)
    outage = OUTAGE * (np.abs(plan.hour - 0.4) < 0.05) if varies else 0.0
    n = np.broadcast_to(requests.astype(np.int64), (runs, len(requests)))
    durations = np.stack([_durations(behaviour, np.exp(0.3 * w)) for w in wave])
    scores = np.stack([_scores(behaviour, 0.02 * w) for w in wave])
    return Tallies(
        n.astype(float),
        chance.binomial(n, np.minimum(behaviour.errors + outage, 1.0)).astype(float),
        chance.multinomial(n, durations).astype(float),
        chance.multinomial(n, scores).astype(float),
    )


def expected(behaviour: Behaviour) -> Tallies:
    """Shares, as if they were counts, of two blocks of steady traffic."""
    durations, scores = _durations(behaviour, 1.0), _scores(behaviour, 0.0)
    return Tallies(np.ones(2), np.full(2, behaviour.errors), np.stack([durations] * 2), np.stack([scores] * 2))


def _durations(behaviour: Behaviour, scale: float) -> Reals:
    """(buckets,) shares."""
    bounds = np.array(DURATION_BOUNDS) / scale
    usual = np.interp(np.log(bounds), np.log(SECONDS), LEVELS)
    slowed = np.interp(np.log(bounds / behaviour.slower), np.log(SECONDS), LEVELS)
    below = np.where(slowed >= behaviour.beyond, slowed, np.minimum(usual, behaviour.beyond))
    return _shares(below)


def _scores(behaviour: Behaviour, shift: float) -> Reals:
    """(buckets,) shares."""
    below = np.interp(np.array(SCORE_BOUNDS) - shift - behaviour.shift, SCORES, LEVELS)
    below[-1] = 1.0  # a score is at most 1
    below[:-1] = np.maximum(below[:-1] - behaviour.upset, 0.0)
    return _shares(below)


def _shares(below: Reals) -> Reals:
    apart = np.diff(below, prepend=0.0, append=1.0)
    shares: Reals = apart / apart.sum()
    return shares
