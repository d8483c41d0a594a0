"""``slipway score`` on the real release, with the outcomes of tests injected: the tests themselves take minutes."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from typer.testing import CliRunner

from slipway import cli
from slipway.score import scoring, testing
from tests.conftest import MODEL


def outcomes(monkeypatch: pytest.MonkeyPatch, outcome: str | None) -> None:
    """Let every named test have ``outcome``, or none."""

    def run(nodes: Iterable[str]) -> dict[str, str]:
        return dict.fromkeys(nodes, outcome) if outcome else {}

    monkeypatch.setattr(testing, "run", run)


def points(*arguments: str) -> dict[str, float]:
    done = CliRunner().invoke(cli.app, ["score", MODEL, "--json", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["score"] == min(found["sections"].values())
    return {entry["id"]: entry["points"] for entry in found["tests"]}


def test_evidence_and_tests_together_earn_points(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes(monkeypatch, "passed")
    earned = points()
    assert len(earned) == 28
    assert {"data-1", "data-3", "data-4", "model-4", "model-5", "model-6", "model-7"} <= {
        name for name, count in earned.items() if count == 1
    }


def test_without_tests_nothing_is_earned(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes(monkeypatch, None)
    assert set(points().values()) == {0}


def test_people_see_every_row_with_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes(monkeypatch, "skipped")
    shown = CliRunner().invoke(cli.app, ["score", MODEL], env={"COLUMNS": "200"}, catch_exceptions=False).stdout
    assert all(f"{row.id}  {row.test}" in shown for row in scoring.ROWS)
    assert "skipped" in shown
    assert "missing: the canary loop" in shown
    assert "more of a research project than a productionized system" in shown
