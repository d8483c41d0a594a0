"""What is found of two releases that answer: which aspect is worse, in a sentence, and never for the wrong reason."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from slipway.canary.comparison import Finding, compare, threshold
from slipway.canary.observation import Block, Counts
from slipway.rendering.canary import Canary
from slipway.serving.metrics import DURATION_BOUNDS, SCORE_BOUNDS
from tests.conftest import MODEL, ROOT

SETTINGS = Canary.read(ROOT / "gitops/envs/production" / MODEL / "canary.yaml")
BEGAN = datetime(2026, 11, 30, 12, tzinfo=UTC)
Answers = Callable[[int], Counts]


def counts(durations: Sequence[float], scores: Sequence[float], errors: int = 0) -> Counts:
    return Counts(len(durations), errors, _by_bucket(durations, DURATION_BOUNDS), _by_bucket(scores, SCORE_BOUNDS))


def _by_bucket(values: Sequence[float], bounds: tuple[float, ...]) -> tuple[int, ...]:
    return tuple(np.bincount(np.searchsorted(bounds, values), minlength=len(bounds) + 1).tolist())


def answers(chance: np.random.Generator, errors: float = 0.001, slower: float = 1.0, shift: float = 0.0) -> Answers:
    """Answers of a release: durations of 40 ms or so, scores of 0.23 or so."""

    def some(requests: int) -> Counts:
        durations = slower * np.exp(chance.normal(math.log(0.04), 0.5, requests))
        scores = np.clip(chance.beta(1.5, 5, requests) + shift, 0, 1)
        return counts(list(durations), list(scores), int(chance.binomial(requests, errors)))

    return some


def rolled(champion: Answers, challenger: Answers, blocks: int, requests: tuple[int, int] = (270, 30)) -> list[Block]:
    ends = (BEGAN + timedelta(seconds=15 * number) for number in range(1, blocks + 1))
    return [Block(end, champion(requests[0]), challenger(requests[1])) for end in ends]


@pytest.fixture
def chance() -> np.random.Generator:
    return np.random.default_rng(7)


def worse(found: Sequence[Finding]) -> set[str]:
    return {finding.aspect for finding in found if finding.worse}


def test_who_is_as_good_is_not_worse(chance: np.random.Generator) -> None:
    found = compare(rolled(answers(chance), answers(chance), 200), SETTINGS)
    assert [finding.aspect for finding in found] == ["errors", "latency", "scores"]
    assert worse(found) == set()
    assert all(1.0 <= finding.e_value < 10 for finding in found)


@pytest.mark.parametrize(
    ("aspect", "how"),
    [
        ("errors", {"errors": 0.05}),
        ("latency", {"slower": 1.3}),
        ("latency", {"slower": 3.0}),
        ("scores", {"shift": 0.03}),
        ("scores", {"shift": -0.03}),
    ],
)
def test_what_is_worse_is_found_and_nothing_else(
    chance: np.random.Generator, aspect: str, how: dict[str, float]
) -> None:
    assert worse(compare(rolled(answers(chance), answers(chance, **how), 100), SETTINGS)) == {aspect}


def test_a_challenger_that_only_fails_is_found_in_its_first_block(chance: np.random.Generator) -> None:
    blocks = rolled(answers(chance), answers(chance, errors=1.0), 1, (27, 3))
    assert worse(compare(blocks, SETTINGS)) == {"errors"}


def test_a_tenth_slower_is_allowed_and_what_is_faster_or_fails_less_is_no_worse(chance: np.random.Generator) -> None:
    assert worse(compare(rolled(answers(chance), answers(chance, slower=1.1), 400), SETTINGS)) == set()
    better = answers(chance, errors=0.0, slower=0.5)
    assert worse(compare(rolled(answers(chance, errors=0.05), better, 100), SETTINGS)) == set()


def test_the_sentence_says_what_people_need_to_judge_it() -> None:
    fine, bad = counts([0.04] * 100, [0.3] * 100), counts([0.09] * 100, [0.7] * 100, errors=5)
    blocks = [Block(BEGAN, fine, bad)] * 30
    errors, latency, scores = compare(blocks, SETTINGS)
    assert (errors.champion, errors.challenger, errors.threshold) == (0.0, 0.05, 60.0)
    assert errors.said.startswith(
        "5.0 % of 3,000 answers are 5xx or never came, the champion's 0.0 % of 3,000; allowed are 0.2 points more "
        "(e-value "
    )
    assert errors.said.endswith(", 60 suffices)")
    assert latency.said.startswith(
        "100.0 % of 2,900 answers take longer than 46.42 ms, and 0.0 % of the champion's 2,900 longer than 42.17 ms; "
        "allowed is 1.1 times as long, or 5 ms (e-value "
    )
    assert scores.said.startswith(
        "100.0 % of 2,900 scores are above 0.3, the champion's 0.0 % of 2,900; allowed is 1 point more (e-value "
    )


def test_findings_are_json_however_clear(chance: np.random.Generator) -> None:
    blocks = rolled(answers(chance), answers(chance, errors=1.0, slower=100.0, shift=0.5), 100, (900, 900))
    found = compare(blocks, SETTINGS)
    assert worse(found) == {"errors", "latency", "scores"}
    json.dumps([asdict(finding) for finding in found], allow_nan=False)


@pytest.mark.parametrize("requests", [(0, 0), (100, 0), (0, 100)])
def test_without_answers_of_both_nothing_is_said(chance: np.random.Generator, requests: tuple[int, int]) -> None:
    for blocks in (0, 1, 20):
        found = compare(rolled(answers(chance), answers(chance, errors=1.0), blocks, requests), SETTINGS)
        assert [(finding.e_value, finding.said) for finding in found] == [
            (1.0, "nothing has been answered by both yet")
        ] * 3


def test_the_largest_evidence_counts_and_more_blocks_never_take_it_back(chance: np.random.Generator) -> None:
    bad, good = answers(chance, errors=0.06), answers(chance, errors=0.0)
    blocks = rolled(answers(chance), bad, 20) + rolled(answers(chance), good, 200)
    values = [compare(blocks[:end], SETTINGS)[0].e_value for end in range(0, 221, 20)]
    assert values == sorted(values)
    assert values[1] == values[-1] > 60


def test_cuts_come_from_earlier_blocks_only(chance: np.random.Generator) -> None:
    blocks = rolled(answers(chance), answers(chance), 10)
    # The champion's durations of the last block are extreme, and the challenger's, too: they would move each cut.
    slow = counts([1.0] * 5000, [0.99] * 5000)
    found = compare([*blocks, Block(BEGAN, slow, slow)], SETTINGS)
    said = {finding.aspect: finding for finding in found}
    assert worse(found) == set()
    assert said["latency"].e_value == compare(blocks, SETTINGS)[1].e_value


def test_an_hour_that_is_slow_for_both_is_no_evidence(chance: np.random.Generator) -> None:
    usual, slow = (answers(chance), answers(chance)), (answers(chance, slower=2.0), answers(chance, slower=2.0))
    blocks = rolled(*usual, 60) + rolled(*slow, 60, (30, 270)) + rolled(*usual, 60)
    assert worse(compare(blocks, SETTINGS)) == set()


def test_with_a_shadow_each_aspect_has_a_smaller_part_of_the_false_alarms() -> None:
    shadow = {"percent": 10, "pairs": 500, "differing": 0.01, "tolerance": 0.001, "limit_seconds": 900}
    assert threshold(SETTINGS) == pytest.approx(60)
    assert threshold(Canary.model_validate(SETTINGS.model_dump() | {"shadow": shadow})) == pytest.approx(80)


def test_a_day_of_blocks_is_compared_within_a_second(chance: np.random.Generator) -> None:
    blocks = rolled(answers(chance), answers(chance), 1500)
    began = time.process_time()
    compare(blocks, SETTINGS)
    assert time.process_time() - began < 1.0
