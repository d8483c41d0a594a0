from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest

from benchmarks.serving import requests
from benchmarks.serving.teams.rows import RowsModel
from slipway.release import load


@pytest.fixture(scope="module")
def model(release_folder: Path) -> RowsModel:
    return RowsModel(str(release_folder))


def test_scores_and_decisions_are_the_releases(model: RowsModel, release_folder: Path) -> None:
    rows, release = requests.rows(release_folder), load(release_folder)
    scores, decisions = model.answer(rows)
    assert scores.tolist() == [release.score_row(row) for row in rows]
    assert decisions.tolist() == [score >= release.threshold for score in scores]
    assert 0 < sum(decisions) < len(rows)


def test_numbers_that_the_wrapper_made_text_are_numbers_again(model: RowsModel, release_folder: Path) -> None:
    row = requests.rows(release_folder)[0]
    texts = np.array([[None if value is None else str(value) for value in row.values()]], dtype=object)
    assert model.predict(texts, list(row))[0, 0] == model.answer([row])[0][0]


def broken(release_folder: Path) -> list[tuple[str, Any]]:
    """For each field, values that break one of its rules."""
    found: list[tuple[str, Any]] = []
    for field in requests.fields(release_folder):
        found += [(field.name, value) for value in (["a list"], *([None] if not field.nullable else []))]
        found += [(field.name, limit) for limit in (_below(field.minimum), _above(field.maximum)) if limit is not None]
        found += [(field.name, "?") for rule in (field.allowed, field.pattern) if rule is not None]
        if field.multiple_of is not None:
            found.append((field.name, 1.5 * field.multiple_of))
    return found


def _below(limit: float | None) -> float | None:
    return None if limit is None else limit - 1


def _above(limit: float | None) -> float | None:
    return None if limit is None else limit + 1


def test_every_rule_of_the_signature_is_checked(model: RowsModel, release_folder: Path) -> None:
    row = requests.rows(release_folder)[0]
    wrong = broken(release_folder)
    assert len(wrong) > 60
    for name, value in wrong:
        with pytest.raises(pydantic.ValidationError, match=name):
            model.answer([row | {name: value}])
    for name in row:
        with pytest.raises(pydantic.ValidationError, match=name):
            model.answer([{key: value for key, value in row.items() if key != name}])
