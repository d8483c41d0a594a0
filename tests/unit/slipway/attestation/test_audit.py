"""The audit log: what was appended stays, and every change of it shows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.attestation import audit
from slipway.attestation.audit import Entry, LogTampered

ENTRY = Entry(
    time="2026-11-24T12:00:00Z",
    who="Ada Lovelace <ada@example.com>",
    action="promoted",
    model="flight_delay",
    release="5" * 64,
    evidence="6" * 64,
    statement="7" * 64,
    key="8" * 64,
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of four entries."""
    file = tmp_path / "audit" / "flight_delay.jsonl"
    for number in range(4):
        audit.append(file, replace(ENTRY, release=str(number) * 64))
    return file


def test_what_was_appended_is_read(log: Path) -> None:
    entries = audit.read(log)
    assert [entry.release[0] for entry in entries] == list("0123")
    assert entries[2] == replace(ENTRY, release="2" * 64)
    assert all(json.loads(line)["who"] == ENTRY.who for line in log.read_bytes().splitlines())
    assert [path.name for path in log.parent.iterdir()] == [log.name]


def test_appending_changes_nothing_of_what_is_there(log: Path) -> None:
    before = log.read_bytes()
    audit.append(log, ENTRY)
    assert log.read_bytes().startswith(before)
    assert audit.head(log) != audit.head(log.with_name("none"))
    assert audit.read(log.with_name("none")) == []
    assert audit.head(log.with_name("none")) is None


def _edited(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b"promoted", b"rejected"), *lines[2:]]


def _chained_anew(lines: list[bytes]) -> list[bytes]:
    """Without the second line, and the third made to follow the first: the fourth tells."""
    third = json.loads(lines[2]) | {"previous": json.loads(lines[1])["previous"]}
    return [lines[0], json.dumps(third, sort_keys=True, separators=(",", ":")).encode() + b"\n", lines[3]]


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (_edited, "Line 3 .* does not follow from the one before it"),
        (lambda lines: [lines[0], *lines[2:]], "Line 2 .* does not follow"),
        (lambda lines: lines[1:], "Line 1 .* does not follow"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "Line 1 .* does not follow"),
        (lambda lines: [*lines, lines[3]], "Line 5 .* does not follow"),
        (_chained_anew, "Line 3 .* does not follow"),
        (lambda lines: [*lines[:3], lines[3][:-20]], "The last line of .* is cut off"),
        (lambda lines: [*lines[:3], b"{}\n"], "Line 4 of .* is no entry"),
        (lambda lines: [*lines[:3], b"no json\n"], "Line 4 of .* is no entry"),
        (lambda lines: [*lines, b"\n"], "Line 5 of .* is no entry"),
    ],
)
def test_tampering_shows(log: Path, tamper: Callable[[list[bytes]], list[bytes]], said: str) -> None:
    log.write_bytes(b"".join(tamper(log.read_bytes().splitlines(keepends=True))))
    tampered = log.read_bytes()
    with pytest.raises(LogTampered, match=said):
        audit.read(log)
    with pytest.raises(LogTampered):
        audit.append(log, ENTRY)
    assert log.read_bytes() == tampered


def test_a_log_cut_off_cleanly_is_told_by_git_and_by_what_was_signed(log: Path) -> None:
    committed, head = log.read_bytes(), audit.head(log)
    assert head is not None
    audit.append(log, ENTRY)
    assert audit.check_holds(log, *head) == 5
    audit.check_extends(log, committed)
    log.write_bytes(b"".join(committed.splitlines(keepends=True)[:3]))
    assert len(audit.read(log)) == 3, "the chain alone cannot tell"
    with pytest.raises(LogTampered, match="has 3 entries, but had 4 when the release was signed"):
        audit.check_holds(log, *head)
    with pytest.raises(LogTampered, match="does not begin with what Git's last commit has of it"):
        audit.check_extends(log, committed)


def test_a_log_written_anew_is_told_by_what_was_signed(log: Path) -> None:
    head = audit.head(log)
    assert head is not None
    log.unlink()
    for _ in range(4):
        audit.append(log, ENTRY)
    with pytest.raises(LogTampered, match=r"Entry 4 of .* is another than when the release was signed"):
        audit.check_holds(log, *head)


def test_another_model_s_log_is_not_this_one_s(log: Path) -> None:
    copy = log.rename(log.with_name("taxi_tip.jsonl"))
    with pytest.raises(LogTampered, match=r"Line 1 of .*taxi_tip\.jsonl is about model 'flight_delay'"):
        audit.read(copy)
    with pytest.raises(LogTampered):
        audit.append(copy, replace(ENTRY, model="taxi_tip"))


_APPENDS = """
import sys
from pathlib import Path
from slipway.attestation import audit
for number in range(20):
    audit.append(Path(sys.argv[1]), audit.Entry("t", sys.argv[2], "promoted", "m", str(number), "e", "s", "k"))
"""


def test_processes_that_append_at_once_lose_nothing(tmp_path: Path) -> None:
    log = tmp_path / "audit" / "m.jsonl"
    writers = [subprocess.Popen([sys.executable, "-c", _APPENDS, str(log), name]) for name in ("ada", "bob", "eve")]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    entries = audit.read(log)
    assert len(entries) == 60
    for name in ("ada", "bob", "eve"):
        assert [entry.release for entry in entries if entry.who == name] == [str(number) for number in range(20)]
