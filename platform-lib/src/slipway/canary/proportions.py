"""Anytime-valid tests of proportions: evidence that may be looked at after each block of time, as often as one likes.

An e-value is a number whose expectation is at most 1 when the null hypothesis is true. The product of the e-values of
successive blocks stays one if each is chosen before its block is seen, so by Ville's inequality it ever reaches 1/alpha
with a probability of at most alpha, however often one looks and whenever one stops.

:func:`two_samples` is the blockwise e-value of R. J. Turner, A. Ly and P. D. Grünwald, "Generic E-variables for exact
sequential k-sample tests that allow for optional stopping" (arXiv 2106.02693), for the null hypothesis that in each
block the challenger's share is at most the champion's plus a margin (for such nulls see Turner and Grünwald, "Exact
anytime-valid confidence intervals for contingency tables and beyond", arXiv 2203.09785). Shares and numbers of
requests may change from block to block: there is no Simpson's paradox.

In a block of n requests of the champion and m of the challenger let (p, q) be their shares, (a, b) the alternative and
(x, y) the point of the null that is nearest to it, with the least n KL(a, x) + m KL(b, y). The factor is the likelihood
ratio of (a, b) to (x, y). Its expectation is at most 1 for every (p, q) of the null:

    A request of the champion contributes p a/x + (1 - p) (1 - a)/(1 - x) = 1 + (p - x) (a - x) / (x (1 - x)) to the
    expectation of the product, one of the challenger the same with q, b, y. Because ln(1 + t) <= t, the logarithm of
    the expectation is at most
        n (p - x) (a - x) / (x (1 - x)) + m (q - y) (b - y) / (y (1 - y)).
    That is minus the derivative of n KL(a, x) + m KL(b, y) at (x, y) in the direction from (x, y) to (p, q). The null
    is convex and the divergence least in (x, y), so it falls in no direction into the null: the sum is at most 0.

The same sum shows what need not hold: within a block shares may differ from request to request, as long as requests are
independent and the mean shares satisfy the null.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]

# How much larger the challenger's log odds are than the null allows, if it is worse. All are tried: the small ones find
# small differences in time, with the large ones a few failures are enough.
EFFECTS = (0.25, 0.5, 1.0, 2.5, 7.0)

# Shares are kept so far from 0 and 1: nothing is impossible.
LEAST = 1e-7
# As many as the projection needs to be found to the last bits; a fixed number, so that a block's factor is its own.
ITERATIONS = 26


@dataclass(frozen=True)
class Sample:
    """What one side answered, by block; blocks are the last axis.

    Attributes:
        hits: (..., blocks) answers of the kind that is counted.
        trials: (..., blocks) all answers.
    """

    hits: Reals
    trials: Reals


def two_samples(champion: Sample, challenger: Sample, expected: Reals, margin: float) -> Reals:
    """Evidence that the challenger's share exceeds the champion's by more than ``margin``, after each block.

    Args:
        champion, challenger: what they answered.
        expected: (..., blocks) the champion's share in each block, as known before it.
        margin: by so much the challenger's share may be larger, in each block; 0.002 is a fifth of a point.

    Returns:
        (..., blocks) logarithms of e-values; blocks that are added later change none of those before.
    """
    if margin >= 1 - 2 * LEAST:
        return np.zeros(expected.shape)
    a = np.clip(expected, LEAST, 1 - LEAST)
    b = _alternatives(a + margin)
    # Without answers of both, or if everything is allowed, a block says nothing: its factor is 1, at any point.
    told = (challenger.trials > 0) & (champion.trials > 0) & (b > a + margin)
    a = np.where(told, a, (1 - margin) / 2)
    b = np.where(told, b, a + margin)
    x = _projected(a, b, np.maximum(champion.trials, 1), np.maximum(challenger.trials, 1), margin)
    factors = np.where(told, _log_ratio(champion, a, x) + _log_ratio(challenger, b, x + margin), 0.0)
    return _mixed(factors)


def paired(differing: npt.ArrayLike, pairs: npt.ArrayLike, allowed: float) -> Reals:
    """Evidence that more than a share ``allowed`` of pairs differ, after each block.

    A likelihood ratio of a larger share to ``allowed``. It grows with the number that differ, so of all shares of the
    null its expectation is largest where the share is ``allowed``, and 1 there.

    Args:
        differing: (..., blocks) pairs that differ.
        pairs: (..., blocks) all pairs.
        allowed: share.

    Returns:
        (..., blocks) logarithms of e-values.
    """
    sample = Sample(np.asarray(differing, float), np.asarray(pairs, float))
    null = np.clip(np.full(sample.trials.shape, allowed), LEAST, 1 - LEAST)
    return _mixed(_log_ratio(sample, np.maximum(_alternatives(null), null), null))


def _alternatives(allowed: Reals) -> Reals:
    """(effects, ..., blocks) shares above ``allowed``; not above it where nothing can be."""
    odds = allowed / np.maximum(1 - allowed, LEAST)  # of 1 and more, too
    raised = odds * np.exp(np.array(EFFECTS)).reshape(-1, *[1] * allowed.ndim)
    shares: Reals = np.minimum(raised / (1 + raised), 1 - LEAST)
    return shares


def _projected(a: Reals, b: Reals, n: Reals, m: Reals, margin: float) -> Reals:
    """The champion's share at the point of the null that is nearest to (a, b): Newton's method, kept in bounds.

    The derivative of n KL(a, x) + m KL(b, x + margin) rises with x; it is negative at a and positive at b - margin.
    """
    low, high = np.broadcast_to(a, b.shape).copy(), np.maximum(b - margin, a)
    x = (n * low + m * high) / (n + m)
    for _ in range(ITERATIONS if margin else 0):  # without a margin the mean is the point
        y = x + margin
        left, right = x * (1 - x), y * (1 - y)
        slope = n * (x - a) / left + m * (y - b) / right
        curve = n * (a / x**2 + (1 - a) / (1 - x) ** 2) + m * (b / y**2 + (1 - b) / (1 - y) ** 2)
        low, high = np.where(slope < 0, x, low), np.where(slope > 0, x, high)
        step = x - slope / curve
        x = np.where((step >= low) & (step <= high), step, (low + high) / 2)
    return x


def _log_ratio(sample: Sample, alternative: Reals, null: Reals) -> Reals:
    """Of the likelihoods; log1p keeps what is left when both are almost equal and the sample is huge."""
    gap = alternative - null
    return sample.hits * np.log1p(gap / null) + (sample.trials - sample.hits) * np.log1p(-gap / (1 - null))


def _mixed(factors: Reals) -> Reals:
    """The mean over effects (the first axis) of the product of all factors so far, as logarithms."""
    mixed: Reals = np.logaddexp.reduce(np.cumsum(factors, axis=-1), axis=0) - np.log(len(factors))
    return mixed
