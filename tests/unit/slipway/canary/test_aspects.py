"""Where answers are cut, and what counts beyond the cut."""

from __future__ import annotations

import numpy as np
import pytest

from slipway.canary.aspects import Tallies, averaged, errors, latency, scores
from slipway.canary.proportions import Reals
from slipway.rendering.canary import Latency
from slipway.serving.metrics import DURATION_BOUNDS, SCORE_BOUNDS


def tallies(durations: list[dict[float, int]], scored: list[dict[float, int]] | None = None) -> Tallies:
    """Answers by duration and rows by score, of each block; no errors."""
    times = _by_bucket(durations, DURATION_BOUNDS)
    return Tallies(
        times.sum(axis=-1), np.zeros(len(times)), times, _by_bucket(scored or [{}] * len(durations), SCORE_BOUNDS)
    )


def _by_bucket(blocks: list[dict[float, int]], bounds: tuple[float, ...]) -> Reals:
    counts = np.zeros((len(blocks), len(bounds) + 1))
    for block, values in enumerate(blocks):
        for value, count in values.items():
            counts[block, np.searchsorted(bounds, value)] += count
    return counts


def limits(ratio: float, *quantiles: float, floor: float = 0.0) -> Latency:
    return Latency(ratio=ratio, floor_seconds=floor, quantiles=quantiles)


def test_durations_are_cut_at_the_quantile_of_the_blocks_before() -> None:
    champion = tallies([{0.01: 90, 0.1: 10}, {0.1: 100}, {0.1: 100}])
    challenger = tallies([{0.01: 10}] * 3)
    (cut,) = latency(champion, challenger, limits(1.0, 0.5))
    assert cut.bounds is not None
    # The first block knows of no duration; the third has seen 90 short ones and 110 long ones.
    assert [DURATION_BOUNDS[bound] for bound in cut.bounds[0][1:]] == [0.01, 0.1]
    assert cut.champion.trials.tolist() == [0, 100, 100]
    assert cut.champion.hits.tolist() == [0, 100, 0]
    assert cut.log_e[0] == 0


@pytest.mark.parametrize(
    ("ratio", "buckets"), [(1.0, 0), (1.01, 1), (1.1, 1), (1.11, 2), (1.2, 2), (2.0, 8), (10.0, 24)]
)
def test_the_challenger_is_cut_whole_buckets_farther(ratio: float, buckets: int) -> None:
    same = tallies([{0.01: 100}] * 2)
    (cut,) = latency(same, same, limits(ratio, 0.5))
    assert cut.bounds is not None
    assert (cut.bounds[1] - cut.bounds[0]).tolist()[1] == buckets


def test_what_is_fast_in_any_case_is_not_slower() -> None:
    champion, challenger = tallies([{0.0001: 90, 0.02: 10}] * 2), tallies([{0.0004: 90, 0.02: 10}] * 2)
    fast, slow = latency(champion, challenger, limits(1.1, 0.5, 0.95, floor=0.005))
    assert fast.bounds is not None
    assert slow.bounds is not None
    assert [DURATION_BOUNDS[bound[1]] for bound in fast.bounds] == [0.0001, 0.005109]
    assert (fast.champion.hits[1], fast.challenger.hits[1]) == (10, 10)
    assert fast.log_e.max() <= 0
    # Beyond the floor the ratio holds.
    assert slow.bounds[1][1] - slow.bounds[0][1] == 1


def test_who_is_as_slow_as_allowed_has_no_larger_share_beyond() -> None:
    champion = tallies([dict.fromkeys(DURATION_BOUNDS[:60], 10)] * 2)
    challenger = tallies([{1.1 * bound: 10 for bound in DURATION_BOUNDS[:60]}] * 2)
    for cut in latency(champion, challenger, limits(1.1, 0.1, 0.5, 0.9, 0.99)):
        assert cut.challenger.hits[1] <= cut.champion.hits[1]


def test_beyond_the_last_bound_nothing_is_slower() -> None:
    champion, challenger = tallies([{60.0: 100}] * 2), tallies([{600.0: 100}] * 2)
    (cut,) = latency(champion, challenger, limits(1.1, 0.5))
    assert cut.challenger.hits.tolist() == [0, 0]
    assert cut.log_e.max() <= 0


def test_scores_are_cut_in_both_directions() -> None:
    champion, challenger = tallies([{}] * 2, [{0.1: 30, 0.5: 70}] * 2), tallies([{}] * 2, [{0.1: 5, 0.5: 5}] * 2)
    above, below = scores(champion, challenger, 0.01, [0.3])
    assert (above.above, below.above) == (True, False)
    assert (above.champion.hits[1], below.champion.hits[1]) == (70, 30)
    assert (above.challenger.hits[1], below.challenger.hits[1]) == (5, 5)
    assert above.log_e[1] < 0 < below.log_e[1]


def test_a_model_with_one_score_is_cut_there() -> None:
    same = tallies([{}] * 3, [{0.3: 100}] * 3)
    for cut in scores(same, same, 0.01, [0.1, 0.9]):
        assert np.isfinite(cut.log_e).all()
        assert cut.log_e.max() < 1


def test_the_aspect_s_evidence_is_the_mean_of_its_cuts() -> None:
    champion, challenger = tallies([{0.01: 100}] * 4), tallies([{0.02: 20}] * 4)
    cuts = list(latency(champion, challenger, limits(1.1, 0.5, 0.9, 0.99)))
    mean = np.mean([np.exp(cut.log_e) for cut in cuts], axis=0)
    assert np.exp(averaged(cuts)) == pytest.approx(mean)


def test_many_roll_outs_at_once_are_each_as_if_alone() -> None:
    chance = np.random.default_rng(3)
    n, m = np.full((3, 20), 500.0), np.full((3, 20), 100.0)
    nothing = np.zeros((3, 20, 1))
    ours, theirs = chance.binomial(500, 0.01, (3, 20)).astype(float), chance.binomial(100, 0.04, (3, 20)).astype(float)
    together = errors(Tallies(n, ours, nothing, nothing), Tallies(m, theirs, nothing, nothing), 0.002).log_e
    for run in range(3):
        alone = errors(
            Tallies(n[run], ours[run], nothing, nothing), Tallies(m[run], theirs[run], nothing, nothing), 0.002
        )
        assert together[run].tolist() == alone.log_e.tolist()
