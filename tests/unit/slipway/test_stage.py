"""A stage's process: its exit code and what it says, on standard error only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from slipway import stage
from slipway.errors import EnvironmentFault, GateRed, SlipwayError, UsageError
from tests.conftest import MODEL

Stage = Callable[[str], None]


def _exit(monkeypatch: pytest.MonkeyPatch, body: Stage, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["pipelines/demo.py", *arguments])
    try:
        stage.run(body)
    except SystemExit as done:
        return int(str(done.code))
    return 0


def _raising(error: Exception) -> Stage:
    def body(model: str) -> None:
        raise error

    return body


@pytest.mark.parametrize(("kind", "code"), [(GateRed, 1), (UsageError, 2), (EnvironmentFault, 3)])
def test_a_known_error_is_its_exit_code_and_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: type[SlipwayError], code: int
) -> None:
    path = "models/" + "x" * 200 + "/contract.py"
    assert _exit(monkeypatch, _raising(kind(f"There is no [bold]{path}.", "Write it.")), MODEL) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert f"✗ There is no [bold]{path}. Write it.\n" in err, "neither wrapped nor taken for markup"


def test_a_missing_input_is_exit_3_not_that_of_a_red_gate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert _exit(monkeypatch, lambda _: (tmp_path / "gone").read_text() and None, MODEL) == 3
    err = capsys.readouterr().err
    assert "gone" in err
    assert "dvc repro" in err


def test_an_unknown_error_shows_where_it_came_from_and_is_no_red_gate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _exit(monkeypatch, _raising(ZeroDivisionError("by nought")), MODEL) == 4
    err = capsys.readouterr().err
    assert "ZeroDivisionError: by nought" in err
    assert "raise error" in err


def test_a_stage_runs_at_the_top_with_its_model(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    top, seen = Path.cwd(), []
    monkeypatch.chdir("models")
    assert _exit(monkeypatch, lambda model: seen.append((model, Path.cwd())), MODEL) == 0
    assert seen == [(MODEL, top)]
    out, err = capsys.readouterr()
    assert out == ""
    assert f"demo {MODEL}" in err


@pytest.mark.parametrize(
    ("arguments", "code"), [((), 2), (("a", "b"), 2), (("--help",), 0), (("-h",), 0), (("nope",), 2)]
)
def test_wrong_arguments_run_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int
) -> None:
    def body(model: str) -> None:
        """Do the demo."""
        raise AssertionError

    assert _exit(monkeypatch, body, *arguments) == code
    err = capsys.readouterr().err
    if arguments == ("nope",):
        assert "There is no model 'nope'" in err
    else:
        assert "usage: python pipelines/demo.py MODEL" in err
        assert "Do the demo." in err
