"""Valid rows to scores and decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from slipway.contracts.request import RequestRules
from slipway.contracts.signature import Field
from slipway.files import read_json
from slipway.release import Release

EXAMPLE = "example.json"


class Batch(msgspec.Struct, frozen=True):
    """Valid rows: a single one as field name to value, or several as field name to values of shape (rows,)."""

    row: dict[str, Any] | None = None
    columns: dict[str, list[Any]] = {}  # msgspec copies it


@dataclass(frozen=True)
class Scored:
    """Answers, one element per row: the score and whether it reaches the release's threshold."""

    scores: list[float]
    decisions: list[bool]


class Scorer:
    """A release together with the compiled rules of its requests.

    Attributes:
        release: what answers.
        rules: what a row must keep before it is scored.
        example: a row that keeps the rules, from the release.
    """

    def __init__(self, release: Release) -> None:
        self.release = release
        self.rules = RequestRules(release.fields)
        self.example: dict[str, Any] = self.rules.row(read_json(release.folder / EXAMPLE))

    @property
    def fields(self) -> list[Field]:
        return self.release.fields

    def warm(self) -> None:
        """Score the example both ways, so that the first request is as fast as the others.

        Raises:
            RuntimeError: when one row and a table of rows give different scores; such a release must not serve.
        """
        alone = self.score(Batch(row=self.example))
        together = self.score(Batch(columns={name: [value, value] for name, value in self.example.items()}))
        if together.scores != alone.scores * 2:
            raise RuntimeError(f"one row scores {alone.scores[0]!r}, the same row in a table {together.scores[0]!r}")

    def score(self, batch: Batch) -> Scored:
        """Score rows that have passed :attr:`rules`."""
        if batch.row is not None:
            scores = [self.release.score_row(batch.row)]
        else:
            scores = self.release.score_columns(batch.columns)
        threshold = self.release.threshold
        return Scored(scores, [score >= threshold for score in scores])
