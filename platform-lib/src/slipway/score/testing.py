"""Running exactly the tests that proofs name, in one pytest process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from slipway.errors import EnvironmentFault
from slipway.progress import counting, step

PASSED = "passed"
_COLLECTED = re.compile(r"collected (\d+) items?(?:.* / (\d+) selected)?")
_DONE = re.compile(r" (PASSED|FAILED|SKIPPED|ERROR|XFAIL|XPASS)\b")
_TOLD_LINES = 20
# pytest's exit codes when it ran whatever there was: all passed, some failed, there were none.
_WHOLE = (0, 1, 5)
_SETTINGS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")


def covers(node: str, test: str) -> bool:
    """Whether ``node`` (a file, or a test in it) stands for ``test``, one of whose cases it may be."""
    return test == node or test.startswith((f"{node}::", f"{node}["))


def run(nodes: Iterable[str]) -> dict[str, str]:
    """Outcome ("passed", "failed", "error", "skipped") of each test that ``nodes`` name; what is gone has none.

    Raises:
        EnvironmentFault: when pytest is not installed, or ends without having run them.
    """
    wanted = sorted(set(nodes))
    files = sorted({node.split("::")[0] for node in wanted})
    present = [file for file in files if Path(file).is_file()]
    if not present:
        return {}
    with tempfile.TemporaryDirectory(prefix="slipway-score-") as scratch:
        only, report = Path(scratch, "only"), Path(scratch, "report.xml")
        only.write_text("\n".join(wanted))
        command = [
            sys.executable, "-m", "pytest", "-v", "--color=no", "-p", "no:cacheprovider",
            "-p", "slipway.score.selection", f"--only={only}", "--continue-on-collection-errors",
            f"--junitxml={report}", "-o", "junit_family=xunit1", *present,
        ]  # fmt: skip
        code, told = _follow(command)
        # A session that was broken off reports what passed until then, and a test that never ran does not count.
        if code not in _WHOLE or not report.is_file():
            raise EnvironmentFault(
                f"pytest ended before it had run all tests (exit code {code}):\n{told}",
                "Run `make setup`, and mend what pytest complains of.",
            )
        return worst(outcomes(report))


def outcomes(report: Path) -> Iterator[tuple[str, str]]:
    """Each test of a JUnit report (family xunit1, which says the file) and its outcome."""
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        file, name = case.get("file"), case.get("name")
        kinds = [kind for kind in ("error", "failure", "skipped") if case.find(kind) is not None]
        outcome = {"failure": "failed"}.get(kinds[0], kinds[0]) if kinds else PASSED
        # A file that cannot be imported is one case, named by its module and without a file.
        yield (f"{file}::{name}" if file else str(case.get("classname") or name)), outcome


def worst(found: Iterable[tuple[str, str]]) -> dict[str, str]:
    """One outcome of each test: of equal ids, as methods of two classes have, one that did not pass."""
    kept: dict[str, str] = {}
    for test, outcome in found:
        if kept.get(test, PASSED) == PASSED:
            kept[test] = outcome
    return kept


def _follow(command: list[str]) -> tuple[int, str]:
    """Run pytest, showing how far it is; return its exit code and its last lines."""
    lines: list[str] = []
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    # A person's own settings must not leave out a test: with "-m quick" the rest of a file would pass for all of it.
    environment = {name: value for name, value in os.environ.items() if name not in _SETTINGS}
    with subprocess.Popen(command, env=environment | {"PYTHONUNBUFFERED": "1"}, **pipes) as process:
        assert process.stdout is not None
        with step("collecting the tests that rows name"):
            selected = _until_collected(process.stdout, lines)
        with counting("running them", "tests", selected, selected) as advance:
            for line in process.stdout:
                lines.append(line)
                if _DONE.search(line):
                    advance(1)
    return process.returncode, "".join(lines[-_TOLD_LINES:])


def _until_collected(output: Iterable[str], lines: list[str]) -> int:
    for line in output:
        lines.append(line)
        found = _COLLECTED.search(line)
        if found:
            return int(found[2] or found[1])
    return 0
