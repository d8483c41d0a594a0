"""A new feature is a name, a line of the transform and a line of the contract; `dvc repro` carries it to a release."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from slipway.files import read_json
from tests.faults.workspace import PATHS, Workspace, finished

__all__ = ["finished"]

NAME = "weekend"
EDITS = {
    "features.py": [
        ('"plane_age", "plane_seats",\n', f'"plane_age", "plane_seats", "{NAME}",\n'),
        (
            '        raw.number("plane_seats"),\n',
            '        raw.number("plane_seats"),\n'
            '        raw.where(_weekday(raw, year, raw.number("month"), raw.number("day")) >= 5, 1.0, 0.0),\n',
        ),
    ],
    "contract.py": [
        (
            '        "plane_seats": _feature(1, 900),\n',
            f'        "plane_seats": _feature(1, 900),\n        "{NAME}": _feature(0, 1, nullable=False),\n',
        )
    ],
}


@pytest.fixture
def extended(finished: Workspace, tmp_path: Path) -> Workspace:
    """A finished monorepo of one's own, in which the model has one more feature."""
    top = tmp_path / "extended"
    shutil.copytree(finished.top, top, symlinks=True)
    for name, edits in EDITS.items():
        file = top / PATHS.home / name
        text = file.read_text()
        for old, new in edits:
            assert text.count(old) == 1, f"{name} has changed: mend this test's edits"
            text = text.replace(old, new)
        file.write_text(text)
    return Workspace(top)


def test_a_new_feature_reaches_a_release_by_three_lines(extended: Workspace, finished: Workspace) -> None:
    done = extended.repro()
    assert done.returncode == 0, done.stdout + done.stderr
    release = extended.release()
    assert release.name != finished.release().name
    assert f" {NAME}\n" in (release / "model.txt").read_text()
    assert NAME in [entry["feature"] for entry in read_json(release / "study.json")["ablation"]["features"]]
    assert extended.slipway("verify", str(release)).returncode == 0
