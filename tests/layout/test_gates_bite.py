"""Every gate has a fault test, and that test fails when the gate is stubbed out: rule 9 of the house."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from slipway import gates
from slipway.configuration import Gates

FAULT = "test_fault_"
MODULES = sorted(module.name for module in pkgutil.iter_modules(gates.__path__) if module.name != "verdict")


def outcomes(gate: str, report: Path, *options: str) -> dict[str, str]:
    """Outcome of each fault test of ``gate``: "passed", "failed" or "error"."""
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", "-k", FAULT,
        f"tests/gates/test_{gate}.py", *options,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    cases = ElementTree.parse(report).getroot().iter("testcase")
    return {case.attrib["name"]: _outcome(case) for case in cases}


def _outcome(case: ElementTree.Element) -> str:
    if case.find("error") is not None or case.find("skipped") is not None:
        return "error"
    return "passed" if case.find("failure") is None else "failed"


def test_every_gate_has_thresholds_and_a_test() -> None:
    assert len(gates.names()) >= 9
    assert set(gates.names()) == set(MODULES) - set(gates.ATTESTED)
    assert set(Gates.model_fields) == set(MODULES)
    tested = {file.stem.removeprefix("test_") for file in Path("tests/gates").glob("test_*.py")}
    assert tested == set(MODULES)


@pytest.mark.parametrize("gate", MODULES)
def test_stubbed_gate_fails_its_own_fault_tests(gate: str, tmp_path: Path) -> None:
    found = outcomes(gate, tmp_path / "report.xml", "-p", "tests.layout.always_green", f"--always-green={gate}")
    assert found, f"tests/gates/test_{gate}.py has no {FAULT}* test"
    assert {name for name, outcome in found.items() if outcome != "failed"} == set()
