from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from slipway.project import ModelPaths
from slipway.tuning.record import training_data, trial


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: ModelPaths) -> ModelPaths:
    """Training rows in a folder of one's own; the model's modules are those of this monorepo."""
    for name in ("models", "params.yaml"):
        (tmp_path / name).symlink_to(Path(name).absolute())
    monkeypatch.chdir(tmp_path)
    paths.features.mkdir(parents=True)
    write(paths)
    return paths


def write(paths: ModelPaths, features: object = (1.0, 2.0), late: object = (0, 1), **more: object) -> None:
    pl.DataFrame({"x": features}).write_parquet(paths.features / "train.parquet")
    rows = {"late": late, "period": ["2013-01", "2013-02"], **more}
    pl.DataFrame(rows).write_parquet(paths.features / "train_rows.parquet")


def test_it_follows_what_a_training_sees(written: ModelPaths) -> None:
    first = training_data(written)
    assert first
    assert training_data(written) == first
    for change in ({"features": (1.0, 3.0)}, {"late": (1, 1)}):
        write(written, **change)
        assert training_data(written) != first


def test_another_slicing_of_the_same_rows_is_no_other_training(written: ModelPaths) -> None:
    first = training_data(written)
    write(written, **{"slice.x": ["a", "b"]})
    assert training_data(written) == first


def test_rows_that_have_not_been_made(written: ModelPaths) -> None:
    (written.features / "train.parquet").unlink()
    assert training_data(written) is None


def test_a_trial_is_the_mean_of_its_folds() -> None:
    assert trial(3, {"num_trees": 7}, [0.25, 0.75]) == {
        "number": 3, "params": {"num_trees": 7}, "log_loss": 0.5, "folds": [0.25, 0.75],
    }  # fmt: skip
