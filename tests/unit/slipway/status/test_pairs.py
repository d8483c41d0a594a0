"""What the canary loop tells Prometheus of a shadow's pairs, read back as it counted them."""

from __future__ import annotations

from typing import cast

import pytest

from slipway.adapters.prometheus import Prometheus, Series
from slipway.canary.decision import Action, Decision
from slipway.canary.figures import DIFFERING, E_VALUE, PAIRS, Figures
from slipway.canary.observation import Shadowed
from slipway.canary.shadow import found
from slipway.rendering.served import predictor_name
from slipway.status import pairs
from tests import rollouts
from tests.rollouts import NOON

SETTINGS = rollouts.shadowing(pairs=321)


class Scraped:
    """A Prometheus that has scraped these figures; ``asked`` keeps the queries."""

    def __init__(self, *figures: Figures) -> None:
        self.figures = figures
        self.asked: list[str] = []

    def now(self, query: str) -> list[Series]:
        self.asked.append(query)
        samples = [sample for each in self.figures for metric in each.registry.collect() for sample in metric.samples]
        return [
            Series({"__name__": sample.name, **sample.labels}, [(NOON.timestamp(), sample.value)])
            for sample in samples
            if sample.name in (PAIRS, DIFFERING, E_VALUE) and sample.labels.get("aspect") in (None, "shadow")
        ]


def figures(seen: Shadowed | None) -> Figures:
    """Of a loop that has seen so much."""
    told = Figures()
    findings = (*rollouts.findings(), *([seen.finding] if seen is not None and seen.finding is not None else []))
    told.decided(rollouts.rollout(0), Decision(Action.WAIT, 0, "too few pairs", findings), NOON.timestamp(), seen)
    return told


def look(scraped: Scraped) -> Shadowed | None:
    return pairs.look(cast(Prometheus, scraped), rollouts.rollout(0), SETTINGS)


@pytest.mark.parametrize(("counted", "differing", "e_value"), [(0, 0, 1.0), (1, 1, 20.0), (321, 7, 79.5)])
def test_what_the_loop_counted_is_found_again(counted: int, differing: int, e_value: float) -> None:
    seen = found(counted, differing, e_value, SETTINGS)
    assert look(Scraped(figures(seen))) == seen


def test_a_loop_that_counts_none_says_nothing() -> None:
    assert look(Scraped()) is None
    assert look(Scraped(figures(None))) is None


def test_of_two_loops_the_one_that_has_read_more_counts() -> None:
    before, after = found(100, 1, 2.0, SETTINGS), found(120, 2, 3.0, SETTINGS)
    for told in ((before, after), (after, before)):
        assert look(Scraped(*map(figures, told))) == after


def test_only_this_roll_out_is_asked_for_and_at_one_moment() -> None:
    scraped = Scraped()
    look(scraped)
    under_way = rollouts.rollout(0)
    assert scraped.asked == [
        '{__name__=~"slipway_rollout_pairs|slipway_rollout_pairs_differing|slipway_rollout_e_value", '
        f'aspect=~"shadow|", environment="production", model="{under_way.model}", '
        f'release="{predictor_name(under_way.challenger)}"}}'
    ]
