"""Each block's factor has an expectation of at most 1 under the null: by enumeration of all that can happen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.canary.proportions import EFFECTS, Reals, Sample, paired, two_samples

SHARES = st.floats(0.0, 1.0)
EXPECTED = st.floats(1e-6, 1 - 1e-6)
MARGINS = st.one_of(st.just(0.0), st.floats(0.0, 1.2))
SIZES = st.integers(1, 7)
# An expectation is 1 exactly where the null meets the alternative; what is above is rounding.
ONE = 1 + 1e-9


def block(hits: object, trials: object) -> Sample:
    return Sample(np.asarray(hits, float), np.asarray(trials, float))


def every(n: int, m: int) -> tuple[Sample, Sample]:
    """All pairs of hits of n and m answers, each a roll-out of one block."""
    h, k = (grid.reshape(-1, 1) for grid in np.meshgrid(range(n + 1), range(m + 1), indexing="ij"))
    return block(h, np.full(h.shape, n)), block(k, np.full(k.shape, m))


def probability(shares: Sequence[float]) -> Reals:
    """(n + 1,) of each number of hits, for answers that are hits with these shares."""
    found = np.ones(1)
    for share in shares:
        found = np.convolve(found, [1 - share, share])
    return found


def expectation(e_values: Reals, champion: Sequence[float], challenger: Sequence[float]) -> float:
    return float(np.outer(probability(champion), probability(challenger)).ravel() @ e_values.ravel())


@settings(max_examples=400, deadline=None)
@given(n=SIZES, m=SIZES, expected=EXPECTED, margin=MARGINS, p=SHARES, within=SHARES)
def test_a_factor_is_at_most_1_on_average_wherever_the_null_is_true(
    n: int, m: int, expected: float, margin: float, p: float, within: float
) -> None:
    q = min(1.0, p + margin) * within
    champion, challenger = every(n, m)
    e_values = np.exp(two_samples(champion, challenger, np.full((len(champion.hits), 1), expected), margin))
    assert expectation(e_values, [p] * n, [q] * m) <= ONE
    assert expectation(e_values, [p] * n, [min(1.0, p + margin)] * m) <= ONE


@settings(max_examples=200, deadline=None)
@given(
    champion=st.lists(SHARES, min_size=1, max_size=5),
    challenger=st.lists(SHARES, min_size=1, max_size=5),
    expected=EXPECTED,
    margin=st.floats(0.0, 0.5),
)
def test_within_a_block_shares_may_change(
    champion: list[float], challenger: list[float], expected: float, margin: float
) -> None:
    excess = np.mean(challenger) - np.mean(champion) - margin
    if excess > 0:  # brought back into the null, as one moves towards the other
        challenger = [share * (np.mean(champion) + margin) / np.mean(challenger) for share in challenger]
    ours, theirs = every(len(champion), len(challenger))
    e_values = np.exp(two_samples(ours, theirs, np.full((len(ours.hits), 1), expected), margin))
    assert expectation(e_values, champion, challenger) <= ONE


@settings(max_examples=100, deadline=None)
@given(first=SHARES, second=SHARES, margin=st.floats(0.0, 0.3))
def test_blocks_may_be_expected_from_those_before(first: float, second: float, margin: float) -> None:
    n, m = 3, 2
    ours, theirs = every(n, m)
    count = len(ours.hits)
    # All pairs of two blocks; what is expected of the second follows from the first.
    one, two = np.repeat(np.arange(count), count), np.tile(np.arange(count), count)
    champion = block(np.stack([ours.hits[one, 0], ours.hits[two, 0]], -1), np.full((count**2, 2), n))
    challenger = block(np.stack([theirs.hits[one, 0], theirs.hits[two, 0]], -1), np.full((count**2, 2), m))
    expected = np.stack([np.full(count**2, 0.2), (champion.hits[:, 0] + 0.5) / (n + 1)], -1)
    e_values = np.exp(two_samples(champion, challenger, expected, margin)[:, -1])
    chances = [np.outer(probability([p] * n), probability([min(1.0, p + margin)] * m)).ravel() for p in (first, second)]
    assert float((chances[0][one] * chances[1][two]) @ e_values) <= ONE


@pytest.mark.parametrize(("p", "q", "margin"), [(0.01, 0.2, 0.0), (0.3, 0.5, 0.05), (0.0, 0.1, 0.01), (0.5, 0.6, 0.0)])
def test_evidence_grows_where_the_challenger_is_worse(p: float, q: float, margin: float) -> None:
    blocks = 50
    champion, challenger = block([900 * p] * blocks, [900] * blocks), block([100 * q] * blocks, [100] * blocks)
    path = two_samples(champion, challenger, np.full(blocks, max(p, 0.001)), margin)
    assert path[-1] > 5
    assert path[-1] > path[blocks // 2] > path[0]


def test_the_point_of_the_null_is_the_nearest() -> None:
    grid = np.linspace(1e-6, 0.94, 200_001)
    n, m, a, margin = 7.0, 5.0, 0.1, 0.05
    allowed = a + margin
    raised = allowed / (1 - allowed) * np.exp(EFFECTS)
    likelihoods = []
    for b in raised / (1 + raised):
        y = grid + margin
        divergence = n * _kl(a, grid) + m * _kl(b, y)
        x = grid[divergence.argmin()]
        ratio = (a / x) ** 2 * ((1 - a) / (1 - x)) ** 5 * (b / (x + margin)) ** 3 * ((1 - b) / (1 - x - margin)) ** 2
        likelihoods.append(ratio)
    path = two_samples(block([2], [n]), block([3], [m]), np.array([a]), margin)
    assert np.exp(path[0]) == pytest.approx(np.mean(likelihoods), rel=1e-4)


def _kl(true: float, other: Reals) -> Reals:
    divergence: Reals = true * np.log(true / other) + (1 - true) * np.log((1 - true) / (1 - other))
    return divergence


def test_a_few_failures_are_enough_if_everything_fails() -> None:
    path = two_samples(block([0] * 4, [9] * 4), block([1] * 4, [1] * 4), np.full(4, 0.005), 0.002)
    assert np.exp(path[1]) > 60


def test_more_blocks_change_nothing_of_those_before() -> None:
    chance = np.random.default_rng(1)
    n, m = chance.integers(0, 2000, 300), chance.integers(0, 300, 300)
    champion, challenger = block(chance.binomial(n, 0.02), n), block(chance.binomial(m, 0.03), m)
    expected = chance.uniform(0, 0.1, 300)
    whole = two_samples(champion, challenger, expected, 0.002)
    for end in (1, 2, 17, 150):
        part = two_samples(
            Sample(champion.hits[:end], champion.trials[:end]), Sample(challenger.hits[:end], challenger.trials[:end]),
            expected[:end], 0.002,
        )  # fmt: skip
        assert part.tolist() == whole[:end].tolist()


def test_a_block_in_which_one_is_silent_says_nothing() -> None:
    path = two_samples(block([3, 0, 3], [100, 0, 0]), block([0, 5, 0], [0, 5, 0]), np.full(3, 0.01), 0.002)
    assert path.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("expected", "margin"), [(0.5, 1.0), (0.5, 3.0), (0.999, 0.5), (1.0, 0.0), (0.9, 0.1)])
def test_where_everything_is_allowed_nothing_is_worse(expected: float, margin: float) -> None:
    path = two_samples(block([0], [1000]), block([1000], [1000]), np.array([expected]), margin)
    assert path[0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("margin", [0.0, 1e-6, 0.002, 0.3])
@pytest.mark.parametrize("expected", [0.0, 1e-9, 0.01, 0.5, 1.0])
def test_huge_counts_and_none_are_figures(expected: float, margin: float) -> None:
    hits, trials = np.array([0, 0, 1e9, 1e9, 0]), np.array([0, 1e9, 1e9, 2e9, 1])
    for k, m in zip(hits, trials, strict=True):
        path = two_samples(block(hits, trials), block([k] * 5, [m] * 5), np.full(5, expected), margin)
        assert np.isfinite(path).all()
    equal = two_samples(block([1e7], [1e9]), block([1e7], [1e9]), np.array([0.01]), margin)
    assert equal[0] <= 0


def test_traffic_that_moves_to_the_challenger_in_bad_hours_is_no_evidence() -> None:
    # Both fail 1 % by day and 10 % at night, when the challenger has most of the traffic: pooled, it fails more.
    hours = np.repeat([0.01, 0.1], 20)
    n, m = np.repeat([900, 100], 20), np.repeat([100, 900], 20)
    champion, challenger = block(n * hours, n), block(m * hours, m)
    assert challenger.hits.sum() / challenger.trials.sum() > 2 * champion.hits.sum() / champion.trials.sum()
    before = np.cumsum(champion.hits) - champion.hits, np.cumsum(champion.trials) - champion.trials
    path = two_samples(champion, challenger, (before[0] + 0.5) / (before[1] + 100), 0.002)
    assert path.max() < 1


@settings(max_examples=200, deadline=None)
@given(pairs=st.integers(1, 12), allowed=SHARES, within=SHARES)
def test_pairs_that_differ_no_more_than_allowed_give_at_most_1_on_average(
    pairs: int, allowed: float, within: float
) -> None:
    differing = np.arange(pairs + 1).reshape(-1, 1)
    e_values = np.exp(paired(differing, np.full(differing.shape, pairs), allowed))[:, 0]
    for share in (allowed, allowed * within):
        assert float(probability([share] * pairs) @ e_values) <= ONE


def test_pairs_that_differ_too_often_are_found() -> None:
    path = paired([0, 3, 3, 3, 3], [50] * 5, 0.01)
    assert path[0] < 0 < path[1] < path[-1]
    assert np.exp(path[-1]) > 60
    assert paired([1], [10], 0.0)[0] > np.log(60)
    assert paired([10], [10], 1.0)[0] == pytest.approx(0.0, abs=1e-4)
    assert np.isfinite(paired([10**9, 0], [10**9, 10**9], 0.0)).all()
