"""What the figures of a canary.yaml buy, by simulated roll-outs: false rollbacks, power, and requests until a rollback.

    python -m slipway.canary.simulation gitops/envs/production/flight_delay/canary.yaml

prints the table of docs/reference/canary.md; ``--into docs/reference/canary.md`` writes it there. Beside the roll-outs'
own test stand two others of the same level: one z-test at a sample fixed beforehand, and z-tests at every look.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
from scipy.stats import binomtest

from slipway.canary.aspects import Cut, averaged, cuts_of
from slipway.canary.comparison import percent, threshold
from slipway.canary.proportions import Reals
from slipway.canary.traffic import SCORES_SD, Behaviour, answers, expected, schedule
from slipway.files import replacing
from slipway.rendering.canary import Canary

# Forty requests a second.
PER_BLOCK = 600.0
BUSY_AND_QUIET = 0.6
# So many at once, that they fit into memory.
TOGETHER = 100
SEED = 20261130
POWER = 0.95
BEGIN, END = "<!-- simulation: begin -->", "<!-- simulation: end -->"

CHAMPION = Behaviour()
GOOD = {
    "equal": CHAMPION,
    "at every margin": Behaviour(errors=0.003, slower=1.1, upset=0.01),
}
BAD = {
    "2 points more errors": Behaviour(errors=0.021),
    "fails always": Behaviour(errors=1.0),
    "30 % slower, all answers": Behaviour(slower=1.3),
    "30 % slower, the slowest 5 %": Behaviour(slower=1.3, beyond=0.95),
    "scores 0.1 sd higher": Behaviour(shift=0.1 * SCORES_SD),
    "scores 0.1 sd lower": Behaviour(shift=-0.1 * SCORES_SD),
}


@dataclass(frozen=True)
class Outcome:
    """What came of many roll-outs.

    Attributes:
        runs: how many.
        rolled_back: of these.
        requests: (rolled_back,) that the challenger had answered until then.
        naive: rolled back by z-tests after every block, each of the level that one alone may have.
    """

    runs: int
    rolled_back: int
    requests: Reals
    naive: int

    @property
    def share(self) -> float:
        return self.rolled_back / self.runs

    def bound(self, *, upper: bool) -> float:
        """Of the share, with a confidence of 95 % (Clopper and Pearson)."""
        side = "less" if upper else "greater"
        limits = binomtest(self.rolled_back, self.runs, alternative=side).proportion_ci(0.95)
        return float(limits.high if upper else limits.low)


def simulate(settings: Canary, challenger: Behaviour, runs: int, varies: bool, seed: int = SEED) -> Outcome:
    """Roll out a challenger many times, looking after each block.

    Args:
        settings: canary.yaml.
        challenger: how it answers; the champion answers as :data:`CHAMPION`.
        runs: how many roll-outs.
        varies: whether traffic, errors, durations and scores of both sides rise and fall meanwhile.
        seed: equal seeds, equal outcome.
    """
    plan = schedule(settings.steps, PER_BLOCK, BUSY_AND_QUIET if varies else 0.0)
    spent, naive = [], 0
    for part in range(0, runs, TOGETHER):
        several, chance = min(TOGETHER, runs - part), np.random.default_rng([seed, part])
        sides = [
            answers(plan, requests, behaviour, several, varies, chance)
            for requests, behaviour in ((plan.champion, CHAMPION), (plan.challenger, challenger))
        ]
        cuts = cuts_of(sides[0], sides[1], settings)
        worse = np.any([averaged(each) >= np.log(threshold(settings)) for each in cuts.values()], axis=0)
        ended = worse.any(axis=-1)
        spent += list(np.cumsum(plan.challenger)[worse.argmax(axis=-1)][ended])
        naive += int(_naive(cuts, settings).any(axis=-1).sum())
    return Outcome(runs, len(spent), np.array(spent), naive)


def fixed_horizon(settings: Canary, challenger: Behaviour) -> float:
    """The challenger's requests that one z-test needs for the same level and 95 % power, if nothing changes in time.

    The champion answers so many more as in the roll-out; the best cut is taken, with its part of the level.
    """
    plan = schedule(settings.steps, PER_BLOCK, 0.0)
    ratio = plan.champion.sum() / plan.challenger.sum()
    # Two blocks of what is expected: the first chooses the cuts, the second is compared.
    sides = expected(CHAMPION), expected(challenger)
    sizes = []
    for aspect, cuts in cuts_of(*sides, settings).items():
        needed = _level(settings, len(cuts)) + NormalDist().inv_cdf(POWER)
        for cut in cuts:
            p, q = (float(side.hits[-1] / side.trials[-1]) for side in (cut.champion, cut.challenger))
            gap = q - p - _margin(aspect, settings)
            if gap > 0:
                sizes.append(needed**2 * (q * (1 - q) + p * (1 - p) / ratio) / gap**2)
    return float(np.ceil(max(min(sizes), 1.0)))


def _margin(aspect: str, settings: Canary) -> float:
    return {"errors": settings.errors.margin, "latency": 0.0, "scores": settings.scores.margin}[aspect]


def _level(settings: Canary, cuts: int) -> float:
    """What a z-test must exceed, if the aspects share the false alarms and the cuts of an aspect its part."""
    return NormalDist().inv_cdf(1 - 1 / threshold(settings) / cuts)


def _naive(cuts: Mapping[str, Sequence[Cut]], settings: Canary) -> Reals:
    """(runs, blocks) whether some z-test on all answers so far exceeds its level."""
    worse = []
    for aspect, several in cuts.items():
        for cut in several:
            (p, n), (q, m) = (
                (np.cumsum(side.hits, -1) / np.maximum(np.cumsum(side.trials, -1), 1), np.cumsum(side.trials, -1))
                for side in (cut.champion, cut.challenger)
            )
            error = np.sqrt(p * (1 - p) / np.maximum(n, 1) + q * (1 - q) / np.maximum(m, 1))
            worse.append(q - p - _margin(aspect, settings) > _level(settings, len(several)) * error)
    any_of_them: Reals = np.any(worse, axis=0)
    return any_of_them


def table(settings: Canary, runs: int) -> Iterator[str]:
    """The lines of the documented table."""
    plan = schedule(settings.steps, PER_BLOCK, 0.0)
    yield f"{runs:,} roll-outs each, of at most {plan.challenger.sum():,.0f} requests of the challenger."
    yield ""
    yield "| challenger | traffic | rolled back | at most (95 %) | by z-tests at every look |"
    yield "|---|---|---|---|---|"
    for name, behaviour in GOOD.items():
        for varies in (False, True):
            found = simulate(settings, behaviour, runs, varies)
            shares = f"{percent(found.share)} | {percent(found.bound(upper=True))}"
            yield f"| {name} | {_traffic(varies)} | {shares} | {100 * found.naive / runs:.0f} % |"
    yield ""
    yield "| challenger | traffic | rolled back | at least (95 %) | requests until then | 95 of 100 | z-test once |"
    yield "|---|---|---|---|---|---|---|"
    for name, behaviour in BAD.items():
        for varies in (False, True):
            found = simulate(settings, behaviour, runs, varies)
            spent = [found.requests.mean(), np.quantile(found.requests, 0.95)] if found.rolled_back else [np.nan] * 2
            cells = [percent(found.share), percent(found.bound(upper=False)), *(f"{each:,.0f}" for each in spent)]
            yield f"| {name} | {_traffic(varies)} | {' | '.join(cells)} | {fixed_horizon(settings, behaviour):,.0f} |"


def _traffic(varies: bool) -> str:
    return "rises and falls" if varies else "steady"


def main() -> None:
    """Print the table, or write it into a document."""
    parser = argparse.ArgumentParser(description="Simulate roll-outs by a canary.yaml.")
    parser.add_argument("settings", type=Path, help="a canary.yaml")
    parser.add_argument("--runs", type=int, default=2000, help="roll-outs of each kind (2000: a quarter of an hour)")
    parser.add_argument("--into", type=Path, help="document with the two marks between which the table stands")
    asked = parser.parse_args()
    lines = "\n".join(table(Canary.read(asked.settings), asked.runs))
    if asked.into is None:
        sys.stdout.write(f"{lines}\n")
        return
    before, _, rest = asked.into.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    with replacing(asked.into) as staged:
        staged.write_text(f"{before}{BEGIN}\n{lines}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
