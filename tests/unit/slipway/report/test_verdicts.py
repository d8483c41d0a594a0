from __future__ import annotations

from pathlib import Path

import pytest

from slipway import gates
from slipway.report import verdicts
from slipway.report.verdicts import Judgement
from tests.report import toy_run
from tests.report.toy_run import TOY


def states(entries: list[Judgement]) -> dict[str, str]:
    return {entry.gate: entry.state for entry in entries}


@pytest.mark.usefixtures("top")
def test_every_gate_is_there() -> None:
    assert states(verdicts.read(TOY)) == dict.fromkeys(gates.names(), "green")


def test_what_is_not_green_comes_first(top: Path) -> None:
    toy_run.judge(top, "volume", passed=False)
    TOY.verdict("slices").unlink()
    found = verdicts.read(TOY)
    assert [(entry.gate, entry.state) for entry in found[:3]] == [
        ("volume", "red"),
        ("slices", "missing"),
        (next(name for name in gates.names() if name not in ("volume", "slices")), "green"),
    ]
    assert str(TOY.verdict("slices")) in found[1].reason


@pytest.mark.usefixtures("top")
def test_a_verdict_on_another_model_is_stale() -> None:
    (TOY.trained / "model.txt").write_text("another tree\n")
    assert set(states(verdicts.read(TOY)).values()) == {"stale"}


def test_a_verdict_on_other_data_or_on_nothing_is_stale(top: Path) -> None:
    toy_run.judge(top, "volume", subject={"validated": "0" * 64})
    toy_run.judge(top, "budget", subject={})
    toy_run.judge(top, "leakage", subject={"something": "0" * 64})
    found = states(verdicts.read(TOY))
    assert {gate for gate, state in found.items() if state == "stale"} == {"volume", "budget", "leakage"}


def test_only_true_passes(top: Path) -> None:
    toy_run.judge(top, "volume", passed="yes")
    assert states(verdicts.read(TOY))["volume"] == "red"
