"""``package`` trusts nobody: it refuses evidence that is missing, stale, red or of another schema, on its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slipway import configuration, gates
from slipway.errors import EnvironmentFault, SlipwayError
from slipway.evidence import EvidenceRefused
from slipway.release.package import package
from tests.conftest import MODEL
from tests.faults.workspace import PATHS, Workspace, finished, scratch, state

__all__ = ["finished"]

GATES = gates.names()
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def copy(finished: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished monorepo of one's own, as the working folder."""
    top = tmp_path / "copy"
    for room in ("data", "artifacts", "releases", "models"):
        shutil.copytree(finished.top / room, top / room)
    shutil.copy(finished.top / "params.yaml", top)
    monkeypatch.chdir(top)
    monkeypatch.syspath_prepend(str(top))
    return top


def _package() -> str:
    return package(PATHS, configuration.load(MODEL).model_dump(mode="json"))


def _refused(kind: type[SlipwayError], exit_code: int) -> str:
    """What package says; it must have left the old release alone."""
    before = state(PATHS.releases)
    with pytest.raises(kind) as caught:
        _package()
    assert caught.value.exit_code == exit_code
    assert caught.value.remedy
    assert state(PATHS.releases) == before
    assert scratch(Path()) == []
    return caught.value.what


def _change_evidence(change: Change) -> None:
    content = json.loads(PATHS.evidence.read_text())
    change(content)
    PATHS.evidence.write_text(json.dumps(content))


def test_the_copy_is_packaged_to_the_same_release(copy: Path, finished: Workspace) -> None:
    shutil.rmtree(PATHS.releases)
    assert _package() == finished.release().name
    assert state(PATHS.releases) == state(finished.top / PATHS.releases)


@pytest.mark.parametrize("gate", GATES)
def test_a_missing_verdict(copy: Path, gate: str) -> None:
    _change_evidence(lambda content: content["verdicts"].pop(gate))
    assert f"The verdict of gate {gate} is missing" in _refused(EvidenceRefused, 1)


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("passed", [False, "true", 1, None])
def test_a_red_verdict(copy: Path, gate: str, passed: object) -> None:
    _change_evidence(lambda content: content["verdicts"][gate].update(passed=passed, reason="it is bad"))
    assert f"Gate {gate} is red: it is bad" in _refused(EvidenceRefused, 1)


@pytest.mark.parametrize("gate", GATES)
def test_the_verdict_of_another_gate(copy: Path, gate: str) -> None:
    other = next(name for name in GATES if name != gate)
    _change_evidence(lambda content: content["verdicts"].update({gate: content["verdicts"][other]}))
    assert f"Gate {gate} is red" in _refused(EvidenceRefused, 1)


@pytest.mark.parametrize("gate", GATES)
def test_a_verdict_that_does_not_say_what_it_judged(copy: Path, gate: str) -> None:
    _change_evidence(lambda content: content["verdicts"][gate].pop("subject"))
    assert f"The verdict of gate {gate} does not say what it judged" in _refused(EvidenceRefused, 1)


@pytest.mark.parametrize("gate", GATES)
def test_a_verdict_by_other_thresholds(copy: Path, gate: str) -> None:
    def loosen(content: dict[str, Any]) -> None:
        limits = content["verdicts"][gate]["thresholds"]
        name = next(name for name, value in limits.items() if isinstance(value, int | float))
        limits[name] *= 2
        limits[name] += 1

    _change_evidence(loosen)
    assert f"The verdict of gate {gate} is stale: it was passed by other thresholds" in _refused(EvidenceRefused, 1)


def _touch(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n")


STALE: dict[str, Callable[[], None]] = {
    "model.txt": lambda: _touch(PATHS.trained / "model.txt"),
    "state.json": lambda: _touch(PATHS.features / "state.json"),
    "study.json": (PATHS.study / "study.json").unlink,
    "features.py": lambda: _touch(PATHS.home / "features.py"),
    "validated": (PATHS.validated / "2013-12.parquet").unlink,
}


@pytest.mark.parametrize("name", STALE)
def test_a_verdict_on_something_else_is_stale(copy: Path, name: str) -> None:
    STALE[name]()
    said = _refused(EvidenceRefused, 1)
    assert "is stale: it judged" in said
    assert f"judged {name} with sha256" in said


@pytest.mark.parametrize("schema", [0, 2, "1", None])
def test_evidence_of_another_schema(copy: Path, schema: object) -> None:
    _change_evidence(lambda content: content.update(schema=schema))
    assert f"The evidence has schema {schema!r}, not 1" in _refused(EvidenceRefused, 1)


def test_no_verdicts_at_all(copy: Path) -> None:
    _change_evidence(lambda content: content.pop("verdicts"))
    assert f"The verdict of gate {GATES[0]} is missing" in _refused(EvidenceRefused, 1)


def test_no_evidence(copy: Path) -> None:
    PATHS.evidence.unlink()
    assert f"{PATHS.evidence} is missing" in _refused(EnvironmentFault, 3)


def test_half_of_the_evidence(copy: Path) -> None:
    content = PATHS.evidence.read_bytes()
    PATHS.evidence.write_bytes(content[: len(content) // 2])
    assert f"{PATHS.evidence} is not valid JSON" in _refused(EnvironmentFault, 3)


@pytest.mark.parametrize("missing", [PATHS.provenance, PATHS.challenge / "comparison.json"], ids=str)
def test_a_missing_part_is_named(copy: Path, missing: Path) -> None:
    missing.unlink()
    kind, code = (EnvironmentFault, 3) if missing == PATHS.provenance else (EvidenceRefused, 1)
    assert (str(missing) if code == 3 else "it judged challenge") in _refused(kind, code)


@pytest.mark.parametrize("name", ["model.yaml", "card.md"])
def test_facts_that_gate_policy_has_not_judged(copy: Path, name: str) -> None:
    (PATHS.home / name).unlink()
    assert f"it judged {name} with sha256" in _refused(EvidenceRefused, 1)


LACKING = {"owner": "owner: ", "licence": "licence: ", "retention": "retention_days: ", "kpi": "  currency: "}


@pytest.mark.parametrize("requirement", LACKING)
def test_a_release_without_owner_licence_retention_or_kpi(finished: Workspace, requirement: str) -> None:
    """Gate policy is red by the name of what is missing, and package refuses, for lack of a green verdict on it."""
    file = finished.top / PATHS.home / "model.yaml"
    judged_before = (finished.top / PATHS.verdict("policy").parent).iterdir()
    kept = {path: path.read_bytes() for path in (file, *judged_before)}
    before = state(finished.top / PATHS.releases)
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line for line in lines if not line.startswith(LACKING[requirement])))
    try:
        judged, packaged = finished.stage("gate"), finished.stage("package")
    finally:
        for path, content in kept.items():
            path.write_bytes(content)
    assert (judged.returncode, packaged.returncode) == (1, 1)
    assert f"gate policy: RED {requirement}: model.yaml lacks" in " ".join(judged.stderr.split())
    assert "Gate policy is red" in judged.stderr
    assert "is stale: it judged model.yaml" in " ".join(packaged.stderr.split())
    assert state(finished.top / PATHS.releases) == before


def test_the_stage_s_process_refuses_with_exit_1_and_keeps_the_old_release(finished: Workspace) -> None:
    evidence, before = finished.top / PATHS.evidence, state(finished.top / PATHS.releases)
    good = evidence.read_bytes()
    content = json.loads(good)
    content["verdicts"]["leakage"]["passed"] = False
    evidence.write_text(json.dumps(content))
    try:
        done = finished.stage("package")
    finally:
        evidence.write_bytes(good)
    assert done.returncode == 1
    assert "Gate leakage is red" in done.stderr
    assert "Traceback" not in done.stderr
    assert state(finished.top / PATHS.releases) == before
