"""Valid rows to scores and decisions, counted and logged."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import msgspec

from slipway.contracts.request import RequestRules
from slipway.contracts.signature import Field
from slipway.files import read_json
from slipway.release import Release, ReleaseBroken
from slipway.release.load import TABLE_ROWS
from slipway.request_log import Answered, RequestLog
from slipway.serving.metrics import Metrics

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
        metrics: counts every score.
        log: is told of every answer; None to keep none.
    """

    def __init__(self, release: Release, metrics: Metrics | None = None, log: RequestLog | None = None) -> None:
        self.release = release
        self.rules = RequestRules(release.fields)
        self.example: dict[str, Any] = self.rules.row(read_json(release.folder / EXAMPLE))
        self.metrics = metrics or Metrics({"model": release.model, "digest": release.digest})
        self.log = log
        self._score = release.score_row
        self._threshold = release.threshold
        self._observe = self.metrics.scores.observe

    @property
    def fields(self) -> list[Field]:
        return self.release.fields

    def warm(self) -> None:
        """Score the example in each way, so that the first request is as fast as the others.

        Raises:
            ReleaseBroken: when one row and a table of rows give different scores; such a release must not serve.
        """
        alone = self.release.score_row(self.example)
        for rows in (2, TABLE_ROWS):
            together = self.release.score_columns({name: [value] * rows for name, value in self.example.items()})
            if together != [alone] * rows:
                what = f"The example scores {alone!r} alone and {together[0]!r} among {rows} rows."
                raise ReleaseBroken(what, "Mend the model's features.py and package it again.")

    def answer_row(self, row: dict[str, Any], identity: str, protocol: str, started: float) -> tuple[float, bool]:
        """Score one row that has passed :attr:`rules`, count it and log it.

        Args:
            row: field name to value.
            identity: the request's id.
            protocol: by which it came.
            started: when its handling began, on the clock of ``time.perf_counter``.
        """
        score = self._score(row)
        decision = score >= self._threshold
        self._observe(score)
        if self.log is not None:
            seconds = time.perf_counter() - started
            self.log.answered(Answered(identity, time.time_ns(), seconds, row, None, [score], [decision], protocol))
        return score, decision

    def answer(self, batch: Batch, identity: str, protocol: str, started: float) -> Scored:
        """As :meth:`answer_row`, for one row or several."""
        if batch.row is not None:
            score, decision = self.answer_row(batch.row, identity, protocol, started)
            return Scored([score], [decision])
        scores = self.release.score_columns(batch.columns)
        decisions = [score >= self._threshold for score in scores]
        for score in scores:
            self._observe(score)
        if self.log is not None:
            seconds = time.perf_counter() - started
            self.log.answered(
                Answered(identity, time.time_ns(), seconds, None, batch.columns, scores, decisions, protocol)
            )
        return Scored(scores, decisions)
