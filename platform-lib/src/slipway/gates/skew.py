"""Gate ``skew``: the server answers, to the last bit, what training and evaluation computed.

A model that was judged on one transform and serves by another was never judged. The served answers come from the
real server process over HTTP (:mod:`slipway.release.rehearsal`), the offline ones from the evaluation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge
from numpy.typing import NDArray

from slipway.evaluation.metrics import Floats
from slipway.gates.verdict import Verdict

_LOWEST = int(np.iinfo(np.int64).min)


@dataclass(frozen=True)
class Thresholds:
    """The fewest rows that must be asked in each way. Equality itself has no threshold: one bit off is red."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    min_rows: Annotated[int, Ge(1)]


@dataclass(frozen=True)
class Answers:
    """Answers to the same rows, in their order.

    Attributes:
        score: shape (rows,); NaN where there is no answer.
        decision: shape (rows,), boolean.
        refusal: what the server said of the first row that it did not answer; empty where it answered all.
    """

    score: Floats
    decision: NDArray[np.bool_]
    refusal: str = ""


@dataclass(frozen=True)
class Comparison:
    """How the answers by one way differ from the offline ones: numbers of rows, and units in the last place."""

    rows: int
    missing: int
    differing_scores: int
    differing_decisions: int
    largest_difference_ulp: int


def judge(offline: Answers, served: Mapping[str, Answers], thresholds: Thresholds) -> Verdict:
    """Judge the served answers.

    Args:
        offline: the answers that the model was judged by.
        served: the server's answers to the same rows, by the way in which it was asked.
        thresholds: see :class:`Thresholds`.
    """
    rows = len(offline.score)
    compared = {way: _compare(offline, answers) for way, answers in served.items()}
    complaints = [
        *_unasked(offline, served, thresholds),
        *(complaint for way in served for complaint in _complaints(way, compared[way], offline, served[way])),
    ]
    return Verdict(
        gate="skew",
        passed=not complaints,
        reason=" ".join(complaints)
        or f"The server answers {rows} rows as the evaluation did, to the last bit, by {_listed(served)}.",
        figures={"rows": rows, "served": {way: asdict(found) for way, found in compared.items()}},
        thresholds=asdict(thresholds),
    )


def _listed(ways: Mapping[str, Answers]) -> str:
    *others, last = ways
    return f"{', '.join(others)} and {last}" if others else last


def _unasked(offline: Answers, served: Mapping[str, Answers], thresholds: Thresholds) -> Iterator[str]:
    if len(offline.score) < thresholds.min_rows:
        yield f"Only {len(offline.score)} rows were asked; fewer than {thresholds.min_rows} say too little."
    if not served:
        yield "The server was asked nothing."
    unknown = int((~np.isfinite(offline.score)).sum())
    if unknown:
        yield f"{unknown} offline scores are no numbers, so nothing can equal them."


def _compare(offline: Answers, served: Answers) -> Comparison:
    rows = min(len(offline.score), len(served.score), len(served.decision))
    known = np.isfinite(served.score[:rows])
    scores = known & _differ(offline.score[:rows], served.score[:rows])
    decisions = known & (offline.decision[:rows] != served.decision[:rows])
    return Comparison(
        rows=len(served.score),
        missing=max(len(offline.score) - rows, 0) + int((~known).sum()),
        differing_scores=int(scores.sum()),
        differing_decisions=int(decisions.sum()),
        largest_difference_ulp=_largest_ulp(offline.score[:rows][scores], served.score[:rows][scores]),
    )


def _differ(one: Floats, other: Floats) -> NDArray[np.bool_]:
    """Where the bits differ: comparing floats would take 0.0 and -0.0 for equal."""
    differ: NDArray[np.bool_] = _bits(one) != _bits(other)
    return differ


def _bits(values: Floats) -> NDArray[np.int64]:
    return np.ascontiguousarray(values, dtype=np.float64).view(np.int64)


def _largest_ulp(one: Floats, other: Floats) -> int:
    pairs = zip(_bits(one).tolist(), _bits(other).tolist(), strict=True)
    return max((abs(_rank(a) - _rank(b)) for a, b in pairs), default=0)


def _rank(bits: int) -> int:
    """The place of a float among all floats, from its bits, which count backwards below zero."""
    return bits if bits >= 0 else _LOWEST - bits


def _complaints(way: str, found: Comparison, offline: Answers, served: Answers) -> Iterator[str]:
    rows = len(offline.score)
    if found.rows != rows:
        yield f"By {way} there are {found.rows} answers to {rows} rows."
    elif found.missing:
        yield f"By {way} {found.missing} of {rows} rows have no answer{_said(served)}."
    if found.differing_scores:
        yield f"By {way} {found.differing_scores} of {rows} scores differ, first {_first(offline.score, served.score)}."
    if found.differing_decisions:
        yield f"By {way} {found.differing_decisions} of {rows} decisions differ."


def _said(served: Answers) -> str:
    return f" (the first: {served.refusal})" if served.refusal else ""


def _first(offline: Floats, served: Floats) -> str:
    rows = min(len(offline), len(served))
    row = int(np.flatnonzero(np.isfinite(served[:rows]) & _differ(offline[:rows], served[:rows]))[0])
    there, here = float(served[row]), float(offline[row])
    return f"in row {row}: {there!r} ({there.hex()}) served, {here!r} ({here.hex()}) offline"
