"""``slipway tune`` on a thinned copy's training months, with few and small trees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.files import read_json
from tests.conftest import MODEL
from tests.faults.workspace import PATHS, Workspace, finished

__all__ = ["finished"]


@pytest.fixture
def record(finished: Workspace, tmp_path: Path) -> Iterator[Path]:
    """Where the record goes; the copy's own store of trials is gone afterwards."""
    yield tmp_path / "tuning.json"
    (finished.top / PATHS.artifacts / "tuning.sqlite").unlink(missing_ok=True)


def test_it_records_goes_on_and_changes_no_parameter(finished: Workspace, record: Path) -> None:
    before = finished.params()
    finished.set_params({"train": {"num_trees": 50, "learning_rate": 0.1}})
    try:
        first = finished.slipway("tune", MODEL, "--trials", "2", "--folds", "1", "--output", str(record))
        assert first.returncode == 0, first.stderr
        assert "in use: log loss" in first.stdout
        begun = read_json(record)["trials"]
        assert len(begun) == 2
        more = finished.slipway("tune", MODEL, "--trials", "3", "--folds", "1", "--output", str(record), "--json")
        assert more.returncode == 0, more.stderr
        found = read_json(record)
        assert found["trials"][:2] == begun
        assert len(found["trials"]) == 3
        assert found["in_use"]["params"]["num_trees"] == 50
        assert found["held_out"]["judged"] == before["models"][MODEL]["split"]["train_through"]
    finally:
        finished.set_params({"train": before["models"][MODEL]["train"]})
    assert finished.params() == before


def test_too_many_folds_are_refused(finished: Workspace, record: Path) -> None:
    done = finished.slipway("tune", MODEL, "--folds", "8", "--output", str(record))
    assert done.returncode == 2
    assert "9 folds cannot be made of 8 training months" in done.stderr
    assert not record.exists()
