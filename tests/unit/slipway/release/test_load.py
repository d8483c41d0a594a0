"""A loaded release answers by its own code; row by row and as a table, to the last bit."""

from __future__ import annotations

import importlib
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slipway.contracts.derivation import derive
from slipway.project import ModelPaths, module
from slipway.release import load, manifest
from slipway.release.load import TABLE_ROWS
from slipway.release.package import package
from tests.conftest import MODEL
from tests.live_server import frame, rows

# The package's name for it is the function's.
LOAD = importlib.import_module("slipway.release.load")


def _packaged(here: ModelPaths, params: dict[str, Any]) -> Path:
    return here.releases / package(here, params)


def test_a_row_scores_as_in_a_table_to_the_last_bit(here: ModelPaths, params: dict[str, Any]) -> None:
    release = load(_packaged(here, params))
    values = rows(release.fields, 500, seed=4)
    table = release.score_table(frame(release.fields, values))
    assert table.tolist() == [release.score_row(row) for row in values]
    assert np.unique(table).size > 5


@pytest.mark.parametrize("count", [1, 2, TABLE_ROWS - 1, TABLE_ROWS, TABLE_ROWS + 1])
def test_columns_score_as_rows_do_on_both_sides_of_the_crossover(release_folder: Path, count: int) -> None:
    release = load(release_folder)
    values = rows(release.fields, count, seed=count)
    columns = {name: [row[name] for row in values] for name in values[0]}
    assert release.score_columns(columns) == [release.score_row(row) for row in values]


def test_what_it_says_of_itself(here: ModelPaths, params: dict[str, Any]) -> None:
    folder = _packaged(here, params)
    release = load(folder)
    assert (release.digest, release.model, release.folder) == (folder.name, MODEL, folder.resolve())
    assert (release.score_name, release.decision_name) == ("late_probability", "late")
    assert release.fields == derive(module(MODEL, "contract").RAW)


def test_a_verified_manifest_is_not_verified_again_and_what_is_loaded_is_held_against_it(
    here: ModelPaths, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _packaged(here, params)
    listed = manifest.verify(folder)
    monkeypatch.setattr(LOAD, "verify", lambda folder: pytest.fail("verified again"))
    assert load(folder, listed).digest == folder.name
    for name in ("model.txt", "state.json", "signature.json", "decision.json", "model.yaml", "model/features.py"):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content + b" ")
        with pytest.raises(manifest.ReleaseBroken, match=rf"{name} changed"):
            load(folder, listed)
        (folder / name).write_bytes(content)


def test_a_link_that_is_moved_while_it_is_followed_leads_to_one_release_only(
    here: ModelPaths, params: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is moved right after the verification, to a release whose every file fits its own manifest."""
    one = _packaged(here, params).resolve()
    other = Path(shutil.copytree(one, tmp_path / "other"))
    (other / "decision.json").write_text('{"threshold": 0.0}')
    other = other.rename(tmp_path / manifest.write(other, MODEL))
    link = tmp_path / "newest"
    link.symlink_to(one)

    def verify_and_move(folder: Path) -> dict[str, Any]:
        found = manifest.verify(folder)
        link.unlink()
        link.symlink_to(other)
        return found

    monkeypatch.setattr(LOAD, "verify", verify_and_move)
    first, second = load(link), load(link)
    assert (first.digest, first.threshold) == (one.name, load(one).threshold)
    assert (second.digest, second.threshold) == (other.name, 0.0)
    assert (first.folder, second.folder) == (one, other)


def test_two_releases_keep_each_to_its_own_code(here: ModelPaths, params: dict[str, Any], tmp_path: Path) -> None:
    """The second's features are all missing values; the first's answers must not change by its being loaded."""
    folder = _packaged(here, params)
    one = load(folder)
    row = rows(one.fields, 1, seed=4)[0]
    before = one.score_row(row)
    other = Path(shutil.copytree(folder, tmp_path / "other"))
    code = other / "model" / "features.py"
    code.write_text(code.read_text() + "\n\ndef transform(columns, state):\n    return [float('nan')] * len(NAMES)\n")
    two = load(other.rename(tmp_path / manifest.write(other, MODEL)))
    blank = two._booster.predict(np.full((1, len(two._features.NAMES)), math.nan))[0]
    assert two.score_row(row) == blank != before
    assert one.score_row(row) == before
