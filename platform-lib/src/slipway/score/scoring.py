"""From proofs to points: of each test, of each section, and of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slipway.score.proofs import Findings, Outcome, Proof, Test
from slipway.score.rubric import ROWS, SECTIONS, Row

FULL, HALF = 1.0, 0.5
# The paper's table II: the score up to which each reading holds, and beyond the last one.
_READINGS = (
    (0.0, "more of a research project than a productionized system"),
    (1.0, "not totally untested, but there may be serious holes in reliability"),
    (2.0, "a first pass at basic productionization, but more investment may be needed"),
    (3.0, "reasonably tested, but more of the tests and procedures could be automated"),
    (5.0, "strong automated testing and monitoring, appropriate for mission-critical systems"),
)
_BEYOND = "exceptional automated testing and monitoring"


@dataclass(frozen=True)
class Judged:
    """A row, its points, and each of its proofs with what came of it."""

    row: Row
    points: float
    proofs: Sequence[tuple[Proof, Outcome]]

    @property
    def lacking(self) -> list[str]:
        """What keeps the row from a full point: the proofs that do not hold, and what is missing."""
        if self.points == FULL:
            return []
        failed = [outcome.seen for _, outcome in self.proofs if not outcome.holds]
        return [*failed, f"missing: {self.row.missing}"] if self.row.missing else failed


@dataclass(frozen=True)
class Score:
    """All rows, judged."""

    model: str
    release: str
    judged: Sequence[Judged]

    def section(self, name: str) -> float:
        """The points of a section's seven rows."""
        return sum(entry.points for entry in self.judged if entry.row.section == name)

    @property
    def final(self) -> float:
        """The least of the four sections."""
        return min(self.section(name) for name in SECTIONS)

    @property
    def reading(self) -> str:
        """What the paper makes of such a score."""
        return next((said for most, said in _READINGS if self.final <= most), _BEYOND)

    def as_json(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "model": self.model,
            "release": self.release,
            "score": self.final,
            "reading": self.reading,
            "sections": {name: self.section(name) for name in SECTIONS},
            "tests": [_as_json(entry, self.model) for entry in self.judged],
        }


def score(found: Findings, release: str, rows: Sequence[Row] = ROWS) -> Score:
    """Execute the proofs of every row."""
    return Score(found.model, release, [judge(row, found) for row in rows])


def judge(row: Row, found: Findings) -> Judged:
    """Execute the proofs of a row: all automatic ones earn a point, all partial ones half of it, anything less none."""
    automatic = [(proof, proof.judge(found)) for proof in row.automatic]
    partly = [(proof, proof.judge(found)) for proof in row.partly]
    if automatic and all(outcome.holds for _, outcome in automatic):
        return Judged(row, FULL, automatic)
    if partly and all(outcome.holds for _, outcome in partly):
        return Judged(row, HALF, [*automatic, *partly])
    return Judged(row, 0.0, [*automatic, *partly])


def named_tests(model: str, rows: Sequence[Row] = ROWS) -> list[str]:
    """The tests that the rows name."""
    return [proof.name(model) for row in rows for proof in (*row.automatic, *row.partly) if isinstance(proof, Test)]


def _as_json(entry: Judged, model: str) -> dict[str, Any]:
    return {
        "id": entry.row.id,
        "test": entry.row.test,
        "points": entry.points,
        "proofs": [
            {"proof": proof.name(model), "holds": outcome.holds, "seen": outcome.seen}
            for proof, outcome in entry.proofs
        ],
        "lacking": entry.lacking,
    }
