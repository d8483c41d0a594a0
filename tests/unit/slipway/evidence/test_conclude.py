"""Every verdict is written down, red ones too, before a red one stops the stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import GateRed
from slipway.evidence import conclude
from slipway.files import read_json
from slipway.gates.verdict import Verdict
from slipway.project import ModelPaths

PATHS = ModelPaths("toy")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _verdict(gate: str, passed: bool, **observed: float) -> Verdict:
    return Verdict(gate, passed, f"[{gate}] said so", {"share": 1 / 3}, {"bins": 3}, observed)


def test_green_verdicts_are_written_with_their_subject(capsys: pytest.CaptureFixture[str]) -> None:
    conclude([_verdict("one", True), _verdict("two", True)], {"validated": "aa"}, PATHS)
    assert read_json(PATHS.verdict("one")) == {
        "gate": "one",
        "passed": True,
        "reason": "[one] said so",
        "figures": {"share": 0.333333},
        "thresholds": {"bins": 3},
        "subject": {"validated": "aa"},
    }
    out, err = capsys.readouterr()
    assert out == ""
    assert "gate two: green [two] said so" in err


def test_red_ones_are_written_too_and_all_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    verdicts = [_verdict("one", False), _verdict("two", True), _verdict("three", False)]
    with pytest.raises(GateRed, match="Gate one, three is red for model toy") as caught:
        conclude(verdicts, {"validated": "aa"}, PATHS)
    assert [read_json(PATHS.verdict(gate))["passed"] for gate in ("one", "two", "three")] == [False, True, False]
    assert str(PATHS.verdict("one")) in caught.value.remedy
    assert "gates.one" in caught.value.remedy
    assert "gate three: RED" in capsys.readouterr().err


def test_what_differs_from_run_to_run_stays_out_of_the_verdict() -> None:
    conclude([_verdict("one", True, seconds=1.5)], {"validated": "aa"}, PATHS)
    conclude([_verdict("two", True, seconds=2.5), _verdict("three", True)], {"validated": "aa"}, PATHS)
    assert "seconds" not in PATHS.verdict("one").read_text()
    assert read_json(PATHS.observed) == {"one": {"seconds": 1.5}, "two": {"seconds": 2.5}}
