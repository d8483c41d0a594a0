"""The documented table says what the committed canary.yaml buys; a cheap part of it is simulated again."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from slipway.canary.simulation import (
    BAD,
    BEGIN,
    CHAMPION,
    END,
    GOOD,
    PER_BLOCK,
    POWER,
    Outcome,
    fixed_horizon,
    simulate,
)  # fmt: skip
from slipway.canary.traffic import SCORES_SD, answers, expected, schedule
from slipway.rendering.canary import Canary
from slipway.serving.metrics import DURATION_BOUNDS, SCORE_BOUNDS
from tests.conftest import MODEL, ROOT

PAGE = ROOT / "docs/reference/canary.md"
SETTINGS = Canary.read(ROOT / "gitops/envs/production" / MODEL / "canary.yaml")
RUNS = 100
TRAFFIC = {"steady": False, "rises and falls": True}
CASES = [(name, traffic) for name in (*GOOD, *BAD) for traffic in TRAFFIC]


def documented() -> tuple[str, dict[tuple[str, str], list[float]]]:
    """The sentence above the table, and its figures by challenger and traffic."""
    table = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "%" in line]
    figures = {(row[0], row[1]): [_number(cell) for cell in row[2:]] for row in rows if row[1] in TRAFFIC}
    return table.strip().splitlines()[0], figures


def _number(cell: str) -> float:
    return float(cell.rstrip(" %").replace(",", "")) / (100 if cell.endswith("%") else 1)


@cache
def again(name: str, traffic: str) -> Outcome:
    return simulate(SETTINGS, (GOOD | BAD)[name], RUNS, TRAFFIC[traffic])


def test_both_environments_have_the_sample_that_is_documented() -> None:
    said, figures = documented()
    compared = sum(step.requests for step in SETTINGS.steps if step.weight < 100)
    assert re.fullmatch(rf"[\d,]+ roll-outs each, of at most {compared:,} requests of the challenger\.", said)
    assert list(figures) == CASES
    staging = Canary.read(ROOT / "gitops/envs/staging" / MODEL / "canary.yaml")
    assert staging.steps == SETTINGS.steps
    assert (staging.errors, staging.latency, staging.scores) == (SETTINGS.errors, SETTINGS.latency, SETTINGS.scores)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("traffic", TRAFFIC)
def test_who_is_good_is_rarely_rolled_back(name: str, traffic: str) -> None:
    share, at_most, naive = documented()[1][name, traffic]
    assert share <= at_most <= SETTINGS.false_alarm
    found = again(name, traffic)
    assert found.bound(upper=False) <= SETTINGS.false_alarm
    assert _agrees(found.rolled_back, share)
    assert _agrees(found.naive, naive)


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("traffic", TRAFFIC)
def test_who_is_bad_is_rolled_back_within_the_sample(name: str, traffic: str) -> None:
    share, at_least, mean, most, once = documented()[1][name, traffic]
    assert POWER <= at_least <= share
    found = again(name, traffic)
    assert found.bound(upper=True) >= POWER
    assert _agrees(found.rolled_back, share)
    assert found.requests.mean() == pytest.approx(mean, rel=0.4)
    assert mean <= most <= sum(step.requests for step in SETTINGS.steps)
    assert fixed_horizon(SETTINGS, BAD[name]) == once


def _agrees(found: int, share: float) -> bool:
    """Whether a documented share, rounded as it is, could have given as many."""
    return binomtest(found, RUNS, min(max(share, 0.005), 0.995)).pvalue > 1e-4


def test_z_tests_at_every_look_raise_many_false_alarms() -> None:
    """The comparison would show nothing, if the other way were as good."""
    figures = documented()[1]
    assert all(figures[name, traffic][2] > 2 * SETTINGS.false_alarm for name, traffic in CASES if "margin" in name)
    assert figures["equal", "rises and falls"][2] > 0.5


def test_equal_seeds_give_equal_roll_outs() -> None:
    one, other = (simulate(SETTINGS, BAD["2 points more errors"], 3, varies=True) for _ in range(2))
    assert one.requests.tolist() == other.requests.tolist()
    assert simulate(SETTINGS, BAD["2 points more errors"], 3, True, seed=1).requests.tolist() != one.requests.tolist()


def test_a_schedule_gives_the_challenger_what_its_steps_ask() -> None:
    steps = [step for step in SETTINGS.steps if step.weight < 100]
    for varies in (0.0, 0.6):
        plan = schedule(SETTINGS.steps, PER_BLOCK, varies)
        assert plan.challenger.sum() == sum(step.requests for step in steps)
        assert plan.champion.sum() == pytest.approx(
            sum(step.requests / step.weight * (100 - step.weight) for step in steps), rel=0.01
        )


def test_simulated_releases_answer_as_they_are_told() -> None:
    usual, slower, higher = (expected(behaviour) for behaviour in (CHAMPION, BAD["30 % slower, all answers"],
                                                                   BAD["scores 0.1 sd higher"]))  # fmt: skip
    assert _quantile(slower.durations[0], DURATION_BOUNDS, 0.99) == pytest.approx(
        1.3 * _quantile(usual.durations[0], DURATION_BOUNDS, 0.99), rel=0.1
    )
    middle = np.array([0.0, *SCORE_BOUNDS[:-1], 1.0]) + np.diff(SCORE_BOUNDS, prepend=0.0, append=1.0) / 2
    gained = float((higher.scores[0] - usual.scores[0]) @ middle)
    assert gained == pytest.approx(0.1 * SCORES_SD, rel=0.1)
    tail = expected(BAD["30 % slower, the slowest 5 %"]).durations[0]
    below, slowed = np.cumsum(usual.durations[0]), np.cumsum(tail)
    assert slowed[below < 0.95] == pytest.approx(below[below < 0.95])
    assert (slowed[(below > 0.951) & (below < 0.999)] < below[(below > 0.951) & (below < 0.999)]).all()


def _quantile(shares: np.ndarray, bounds: tuple[float, ...], level: float) -> float:
    return bounds[int((np.cumsum(shares) >= level).argmax())]


def test_answers_are_as_many_as_were_asked() -> None:
    plan = schedule(SETTINGS.steps, PER_BLOCK, 0.6)
    some = answers(plan, plan.challenger, CHAMPION, 2, True, np.random.default_rng(0))
    assert (some.durations.sum(axis=-1) == some.requests).all()
    assert (some.scores.sum(axis=-1) == some.requests).all()
    assert (some.errors <= some.requests).all()


def test_the_table_is_written_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    few = tmp_path / "canary.yaml"
    source = (ROOT / "gitops/envs/production" / MODEL / "canary.yaml").read_text()
    few.write_text(re.sub(r"requests: \d+", "requests: 500", source))
    command = [sys.executable, "-m", "slipway.canary.simulation", str(few), "--runs", "3", "--into", str(page)]
    subprocess.run(command, check=True, timeout=120)
    before, _, rest = page.read_text().partition(BEGIN)
    table, _, after = rest.partition(END)
    assert (before, after) == ("before\n", "\nafter\n")
    assert "3 roll-outs each, of at most 1,500 requests of the challenger." in table
    assert "old" not in table
    printed = subprocess.run(command[:-2], check=True, timeout=120, capture_output=True, text=True).stdout
    assert printed.strip() == table.strip()
