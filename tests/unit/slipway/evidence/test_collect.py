"""Evidence is the verdict files in one; it counts if every gate is green on this subject by these thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slipway.errors import EnvironmentFault
from slipway.evidence import EvidenceRefused, check, check_green, collect
from slipway.files import write_json
from slipway.project import ModelPaths

SUBJECT = {"model.txt": "aa", "validated": "bb"}
LIMITS = {"one": {"margin": 0.1}, "two": {"bins": 3}}


def _evidence() -> dict[str, Any]:
    verdicts = {
        gate: {"gate": gate, "passed": True, "reason": "so", "subject": dict(SUBJECT), "thresholds": LIMITS[gate]}
        for gate in LIMITS
    }
    return {"schema": 1, "model": "toy", "verdicts": verdicts}


def test_collect_takes_each_gate_s_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    paths = ModelPaths("toy")
    for gate in LIMITS:
        write_json(paths.verdict(gate), {"gate": gate})
    found = {"schema": 1, "model": "toy", "verdicts": {"one": {"gate": "one"}, "two": {"gate": "two"}}}
    assert collect(["two", "one"], paths) == found
    with pytest.raises(EnvironmentFault, match=r"three\.json is missing"):
        collect(["one", "three"], paths)


def test_good_evidence_passes() -> None:
    check_green(_evidence(), LIMITS)
    check(_evidence(), LIMITS, SUBJECT)


def test_only_a_gate_that_judges_before_the_model_may_have_judged_less() -> None:
    evidence = _evidence()
    evidence["verdicts"] = {
        gate: {**evidence["verdicts"]["one"], "gate": gate, "subject": {"validated": "bb"}}
        for gate in ("contract", "slices")
    }
    limits = dict.fromkeys(evidence["verdicts"], LIMITS["one"])
    with pytest.raises(EvidenceRefused, match=r"slices is stale: it judged model\.txt with sha256 None"):
        check(evidence, limits, SUBJECT)
    del evidence["verdicts"]["slices"], limits["slices"]
    check(evidence, limits, SUBJECT)


def test_verdict_of_an_unknown_gate_is_refused() -> None:
    with pytest.raises(EvidenceRefused, match="unknown gates: two"):
        check(_evidence(), {"one": LIMITS["one"]}, SUBJECT)


def test_thresholds_count_to_six_digits_as_they_are_written() -> None:
    evidence = _evidence()
    evidence["verdicts"]["one"]["thresholds"] = {"margin": 0.333333}
    check(evidence, LIMITS | {"one": {"margin": 1 / 3}}, SUBJECT)


REFUSED: dict[str, tuple[Any, str]] = {
    "schema": (lambda e: e.update(schema=2), "The evidence has schema 2, not 1"),
    "missing": (lambda e: e["verdicts"].pop("two"), "The verdict of gate two is missing"),
    "red": (lambda e: e["verdicts"]["two"].update(passed=False), "Gate two is red: so"),
    "another's": (lambda e: e["verdicts"]["two"].update(gate="one"), "Gate two is red"),
    "no subject": (lambda e: e["verdicts"]["two"].update(subject={}), "gate two does not say what it judged"),
    "stale": (lambda e: e["verdicts"]["two"]["subject"].update(validated="cc"), "two is stale: it judged validated"),
    "unknown subject": (lambda e: e["verdicts"]["two"]["subject"].update(x="cc"), "two is stale: it judged x"),
    "thresholds": (lambda e: e["verdicts"]["two"].update(thresholds={"bins": 4}), "two is stale: it was passed by"),
    "no thresholds": (lambda e: e["verdicts"]["two"].pop("thresholds"), "two is stale: it was passed by"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_what_is_refused(fault: str) -> None:
    change, said = REFUSED[fault]
    evidence = _evidence()
    change(evidence)
    with pytest.raises(EvidenceRefused, match=said) as caught:
        check(evidence, LIMITS, SUBJECT)
    assert caught.value.exit_code == 1
    assert "dvc repro" in caught.value.remedy
