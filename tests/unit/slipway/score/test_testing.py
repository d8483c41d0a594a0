"""Exactly the named tests run, in a pytest of their own, and each has its outcome."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.errors import EnvironmentFault
from slipway.score import testing

FILE = """
import pytest

def test_good(): pass
def test_bad(): assert False
def test_not_named(): open("ran", "w").close()
@pytest.mark.parametrize("case", ["one", "t w/o [x]"])
def test_cases(case): pass
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.xfail
def test_expected_to_fail(): assert False
@pytest.fixture
def broken(): raise ValueError
def test_error(broken): pass
def test_good_as_well(): pass
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "tests/test_it.py").write_text(FILE)
    (tmp_path / "tests/test_whole.py").write_text("def test_first(): pass\ndef test_second(): pass\n")
    (tmp_path / "tests/test_broken.py").write_text("import nothing_of_this_name\ndef test_x(): pass\n")
    return tmp_path


def test_each_named_test_has_its_outcome_and_nothing_else_runs(here: Path) -> None:
    names = ("good", "bad", "cases", "skipped", "expected_to_fail", "error", "gone")
    found = testing.run([*(f"tests/test_it.py::test_{name}" for name in names), "tests/test_whole.py"])
    assert found == {
        "tests/test_it.py::test_good": "passed",
        "tests/test_it.py::test_bad": "failed",
        "tests/test_it.py::test_cases[one]": "passed",
        "tests/test_it.py::test_cases[t w/o [x]]": "passed",
        "tests/test_it.py::test_skipped": "skipped",
        "tests/test_it.py::test_expected_to_fail": "skipped",
        "tests/test_it.py::test_error": "error",
        "tests/test_whole.py::test_first": "passed",
        "tests/test_whole.py::test_second": "passed",
    }
    assert not (here / "ran").exists()


def test_a_file_that_is_gone_or_broken_keeps_no_other_from_running(here: Path) -> None:
    found = testing.run(["tests/test_gone.py", "tests/test_broken.py::test_x", "tests/test_it.py::test_good"])
    assert found.pop("tests/test_it.py::test_good") == "passed"
    assert "passed" not in found.values()
    assert not any(testing.covers("tests/test_broken.py::test_x", test) for test in found)


def test_progress_counts_what_was_selected(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    testing.run(["tests/test_it.py::test_good", "tests/test_it.py::test_cases"])
    assert "100% of 3 tests" in capsys.readouterr().err


def test_a_failure_is_not_hidden_by_a_test_of_the_same_id_that_passes(here: Path) -> None:
    methods = [
        f"class Test{name}:\n    def test_x(self): assert {holds}\n" for name, holds in (("A", False), ("B", True))
    ]
    for order in (methods, methods[::-1]):
        (here / "tests/test_twice.py").write_text("".join(order))
        assert testing.run(["tests/test_twice.py"]) == {"tests/test_twice.py::test_x": "failed"}


def test_a_session_that_is_broken_off_proves_nothing(here: Path) -> None:
    text = "import pytest\ndef test_a(): pass\ndef test_b(): pytest.exit('enough')\ndef test_c(): assert False\n"
    (here / "tests/test_exit.py").write_text(text)
    with pytest.raises(EnvironmentFault, match=r"before it had run all tests \(exit code 2\)"):
        testing.run(["tests/test_exit.py"])


def test_a_person_s_own_settings_leave_no_test_out(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "-k good")
    found = testing.run(["tests/test_it.py::test_good", "tests/test_it.py::test_bad"])
    assert found["tests/test_it.py::test_bad"] == "failed"


def test_nothing_to_run(here: Path) -> None:
    assert testing.run(["tests/test_gone.py"]) == {}
    assert testing.run([]) == {}


def test_a_pytest_that_cannot_start_is_told_with_its_words(here: Path) -> None:
    (here / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    with pytest.raises(EnvironmentFault, match="no-such-option"):
        testing.run(["tests/test_it.py::test_good"])


@pytest.mark.parametrize(
    ("node", "test", "expected"),
    [
        ("a.py", "a.py::test_x", True),
        ("a.py::test_x", "a.py::test_x", True),
        ("a.py::test_x", "a.py::test_x[1]", True),
        ("a.py::test_x", "a.py::test_xy", False),
        ("a.py", "a.pyx::test_x", False),
        ("a.py::test_x[1]", "a.py::test_x", False),
    ],
)
def test_what_a_node_covers(node: str, test: str, expected: bool) -> None:
    assert testing.covers(node, test) is expected
