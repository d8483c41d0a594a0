from __future__ import annotations

import io
import json
import logging
import re
from datetime import UTC, datetime

import pytest

from slipway.errors import SlipwayError
from slipway.serving import logs
from slipway.serving.logs import JsonLines


def _record(message: str, *arguments: object, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    record = logging.LogRecord("slipway.serving", level, "file.py", 1, message, arguments, None)
    vars(record).update(extra)
    return record


def test_a_record_is_one_json_object_on_one_line() -> None:
    line = JsonLines("d" * 64).format(_record("said %s\n%d", "é\ud800", 3, request_id="r-1", level=logging.WARNING))
    assert "\n" not in line
    said = json.loads(line)
    assert datetime.now(UTC) - datetime.fromisoformat(said.pop("time")) < datetime.now(UTC) - datetime(
        2020, 1, 1, tzinfo=UTC
    )
    assert said == {
        "level": "warning", "logger": "slipway.serving", "message": "said é\ud800\n3", "release": "d" * 64,
        "request_id": "r-1",
    }  # fmt: skip


def _fault() -> logging.LogRecord:
    """A record of an error that quotes a value, as float() does, and of one that led to it."""
    record = _record("fault")
    try:
        try:
            float("Jane Doe")
        except ValueError:
            raise KeyError("14 Elm Street")  # noqa: B904 (the context is what is tested)
    except KeyError as error:
        record.exc_info = (KeyError, error, error.__traceback__)
    return record


def test_a_fault_tells_kinds_and_places_and_no_value_of_a_request(capsys: pytest.CaptureFixture[str]) -> None:
    logs.Console().emit(_fault())
    for said in (json.loads(JsonLines("d").format(_fault()))["traceback"], capsys.readouterr().err):
        assert "builtins.KeyError" in said
        assert "led to by\nbuiltins.ValueError" in "\n".join(line.rstrip() for line in said.splitlines())
        assert said.count("in _fault") == 2
        assert "could not convert" not in said
    told = logs.trace(KeyError("Jane Doe"))
    assert told == "builtins.KeyError\n"


def test_errors_that_lead_to_each_other_end() -> None:
    one, other = KeyError(), ValueError()
    one.__cause__, other.__cause__ = other, one
    assert logs.trace(one) == "builtins.KeyError\nled to by\nbuiltins.ValueError\n"


@pytest.mark.parametrize(
    ("asked", "terminal", "chosen"),
    [(None, False, "json"), (None, True, "console"), ("json", True, "json"), ("console", False, "console")],
)
def test_json_is_the_default_unless_a_person_watches(
    monkeypatch: pytest.MonkeyPatch, asked: str | None, terminal: bool, chosen: str
) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(logs.sys, "stderr", stream)
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    try:
        assert logs.configure(asked, "d") == chosen
        logging.getLogger("slipway.serving").info("hello [x]")
        logging.getLogger("elsewhere").info("not told")
    finally:
        root.handlers[:], root.level = kept, level
        logging.getLogger("slipway").setLevel(logging.NOTSET)
    if chosen == "json":
        assert json.loads(stream.getvalue())["message"] == "hello [x]"


def test_people_read_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    logs.Console().emit(_record("many [%s]", "x", level=logging.WARNING))
    assert capsys.readouterr().err.strip() == "many [x]"


def test_the_whole_of_a_refusal_is_in_what_kubernetes_keeps(capsys: pytest.CaptureFixture[str]) -> None:
    many = "The release lacks " + ", ".join(f"file-{number}" for number in range(1000))
    try:
        logs.refusal(SlipwayError(many, "Package it again. " * 100), f"/release/{'d' * 64}")
    finally:
        logging.basicConfig(handlers=[], force=True)
    line = capsys.readouterr().err
    assert len(line.encode()) <= 2048
    said = json.loads(line)
    assert said["message"].startswith("refused to start: The release lacks file-0,")
    assert said["message"].endswith("...")
    assert said["remedy"].startswith("Package it again.")


def test_a_server_at_fault_ends_with_a_line_that_says_what_and_where(capsys: pytest.CaptureFixture[str]) -> None:
    def warm() -> None:
        raise MemoryError("no room for the model " * 100)

    try:
        warm()
    except MemoryError as error:
        try:
            logs.crash(error, f"/release/{'d' * 64}")
        finally:
            logging.basicConfig(handlers=[], force=True)
    first, last = capsys.readouterr().err.splitlines()
    assert "test_logs.py" in json.loads(first)["traceback"]
    assert len(last.encode()) <= 2048
    said = json.loads(last)
    assert said["message"].startswith("ended by MemoryError: no room for the model")
    assert re.search(r"\.\.\. \(test_logs\.py:\d+\)$", said["message"])
    assert said["exit_code"] == 4
