from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from slipway import release
from slipway.release import Release, ReleaseBroken
from slipway.serving.scoring import Batch, Scorer
from tests.live_server import Recorded, rows


@pytest.fixture
def scorer(release_folder: Path) -> Scorer:
    return Scorer(release.load(release_folder), log=Recorded())


def test_warming_scores_the_example_and_logs_and_counts_nothing(scorer: Scorer) -> None:
    scorer.warm()
    assert scorer.metrics.scores.sum == 0
    assert isinstance(scorer.log, Recorded)
    assert scorer.log.answers == []


def test_a_release_whose_table_and_rows_disagree_does_not_serve(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def off(self: Release, columns: Mapping[str, Any]) -> list[float]:
        return [0.25] * len(next(iter(columns.values())))

    monkeypatch.setattr(Release, "score_columns", off)
    with pytest.raises(ReleaseBroken, match=r"alone and 0\.25 among 2 rows"):
        scorer.warm()


def test_a_batch_is_answered_as_its_rows_are(scorer: Scorer) -> None:
    values = rows(scorer.fields, 4, seed=9)
    single = [scorer.answer_row(row, "i", "v2", 0.0) for row in values]
    batch = scorer.answer(Batch(columns={name: [row[name] for row in values] for name in values[0]}), "i", "v2", 0.0)
    assert list(zip(batch.scores, batch.decisions, strict=True)) == single
    assert sum(scorer.metrics.scores.counts) == 8
    assert [decision for _, decision in single] == [score >= scorer.release.threshold for score, _ in single]
