from __future__ import annotations

from pathlib import Path

from benchmarks.serving import tuning
from benchmarks.serving.servers import Launch

ONE, TWO = (Launch(f"a server, n={n}", ("false",), 1) for n in (1, 2))


def test_the_best_is_what_gave_the_most() -> None:
    assert tuning.best([ONE, TWO], {ONE.name: 10, TWO.name: 11}) is TWO
    assert tuning.best([ONE, TWO], {ONE.name: 11, TWO.name: 10}) is ONE


def test_what_was_best_before_stands_where_nothing_was_tried() -> None:
    assert tuning.best([ONE, TWO], {}) is ONE


def test_trying_nothing(tmp_path: Path) -> None:
    assert tuning.try_out([], "/any", tmp_path / "none", tmp_path) == {}
