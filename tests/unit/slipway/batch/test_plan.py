from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from slipway.batch import plan
from slipway.batch.inputs import Input

A = Input(Path("a.parquet"), 25, "a" * 64, (1, 1))
B = Input(Path("b.parquet"), 7, "b" * 64, (1, 1))
NONE = Input(Path("none.parquet"), 0, "c" * 64, (1, 1))


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "ROWS_PER_PART", 10)


def test_parts_cover_every_row_once_and_no_two_files() -> None:
    made = plan.make("r", [A, NONE, B], [])
    assert [(part.number, part.input, part.offset, part.rows) for part in made.parts] == [
        (0, A, 0, 10),
        (1, A, 10, 10),
        (2, A, 20, 5),
        (3, B, 0, 7),
    ]
    assert made.rows == 32


@pytest.mark.parametrize(
    ("release", "files", "keep", "said"),
    [
        ("other" * 5, [A, B], ["id"], "it was scored by release rrrrrrrrrrrr, this is otherotherot"),
        ("r" * 25, [replace(A, sha256="f" * 64), B], ["id"], "a.parquet has changed"),
        ("r" * 25, [A], ["id"], "b.parquet was part of it"),
        ("r" * 25, [A, B, NONE], ["id"], "none.parquet was not part of it"),
        ("r" * 25, [B, A], ["id"], "the files were in another order"),
        ("r" * 25, [A, B], [], "it kept id"),
    ],
)
def test_another_run_is_told_by_what_differs(release: str, files: list[Input], keep: list[str], said: str) -> None:
    old, new = plan.make("r" * 25, [A, B], ["id"]), plan.make(release, files, keep)
    assert plan.differences(old.record(), new.record()) == [said]
    assert old.digest != new.digest


def test_the_same_run_is_the_same_whenever_its_files_were_looked_at() -> None:
    old, new = (plan.make("r", [replace(A, stamp=stamp)], ["id"]) for stamp in ((1, 1), (1, 2)))
    assert plan.differences(old.record(), new.record()) == []
    assert old.digest == new.digest


@pytest.mark.parametrize("old", [None, [], {}, {"schema": 0}])
def test_a_record_of_another_version(old: Any) -> None:
    assert plan.differences(old, plan.make("r", [A], []).record()) == ["it was written by another version of Slipway"]


def test_other_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    old = plan.make("r", [A], []).record()
    monkeypatch.setattr(plan, "ROWS_PER_PART", 11)
    assert plan.differences(old, plan.make("r", [A], []).record()) == ["it was cut into other parts"]
