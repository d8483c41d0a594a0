"""The audit log: who did what with which release, on what evidence; appended to, and never changed.

gitops/audit/<model>.jsonl holds one entry a line, as canonical JSON. Each holds the sha256 of the line before it, so
that a line that is edited, removed, inserted or moved breaks the chain at the next one; the last lines are held by
Git's history (:func:`check_extends`) and by the statement of provenance, which names the log's head when it was
signed (:func:`check_holds`). Git's names are what people tell Git; who must be certain asks for signed commits.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slipway.errors import EnvironmentFault, SlipwayError
from slipway.files import lock_folder, replacing

BEGINNING = "0" * 64
FOLDER = Path("gitops/audit")
_FIELDS = {"previous", "time", "who", "action", "model", "release", "evidence", "statement", "key"}
_WAIT_SECONDS = 30.0


class LogTampered(SlipwayError):
    """The audit log is not what was appended to it."""

    exit_code = 3


@dataclass(frozen=True)
class Entry:
    """One line.

    Attributes:
        time: when, in UTC, as 2026-01-01T00:00:00Z.
        who: Git's identity, "Name <address>".
        action: what was done with the release.
        model, release: which; the release by its digest.
        evidence: sha256 of its evidence.json.
        statement: sha256 of its statement of provenance.
        key: hint of the key that signed it.
    """

    time: str
    who: str
    action: str
    model: str
    release: str
    evidence: str
    statement: str
    key: str


def file(model: str) -> Path:
    """The model's log, relative to the top folder."""
    return FOLDER / f"{model}.jsonl"


def read(log: Path) -> list[Entry]:
    """All entries of a log; none if there is no such file.

    Raises:
        LogTampered: naming the first line that does not follow from the one before.
    """
    return [_entry(content) for content in _contents(_lines(log), log)]


def head(log: Path) -> tuple[int, str] | None:
    """How many entries the log has and the sha256 of the last one; None if there is no log."""
    lines = _lines(log)
    if not lines:
        return None
    for _ in _contents(lines, log):
        pass
    return len(lines), _sha256(lines[-1])


def append(log: Path, entry: Entry) -> None:
    """Append ``entry``; another process that appends at the same time waits for its turn.

    Raises:
        LogTampered: when the log does not verify; nothing is appended to it then.
        EnvironmentFault: when the log stays locked.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with _turn(log.parent):
        lines = _lines(log)
        for _ in _contents(lines, log):
            pass
        content = asdict(entry) | {"previous": _sha256(lines[-1]) if lines else BEGINNING}
        line = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
        with replacing(log) as staged:
            staged.write_bytes(b"".join(each + b"\n" for each in [*lines, line]))


def check_holds(log: Path, entries: int, digest: str) -> int:
    """Check that the log still begins with those ``entries`` lines of which the last has sha256 ``digest``.

    Returns:
        How many entries it has.

    Raises:
        LogTampered: when it does not verify, is shorter, or has another such line.
    """
    lines = _lines(log)
    for _ in _contents(lines, log):
        pass
    if len(lines) < entries:
        raise LogTampered(
            f"{log} has {len(lines)} entries, but had {entries} when the release was signed: it was cut off.",
            f"Restore it: `git log -p {log}`.",
        )
    if _sha256(lines[entries - 1]) != digest:
        raise LogTampered(
            f"Entry {entries} of {log} is another than when the release was signed: the log was written anew.",
            f"Restore it: `git log -p {log}`.",
        )
    return len(lines)


def check_extends(log: Path, committed: bytes) -> None:
    """Check that the log begins with what Git has of it.

    Raises:
        LogTampered: when it does not.
    """
    held = log.read_bytes() if log.is_file() else b""
    if not held.startswith(committed):
        raise LogTampered(
            f"{log} does not begin with what Git's last commit has of it: it was cut off or written anew.",
            f"Restore it: `git checkout {log}`.",
        )


def _lines(log: Path) -> list[bytes]:
    if not log.is_file():
        return []
    content = log.read_bytes()
    if content and not content.endswith(b"\n"):
        raise LogTampered(f"The last line of {log} is cut off.", f"Restore it: `git log -p {log}`.")
    return content.split(b"\n")[:-1]


def _contents(lines: list[bytes], log: Path) -> Iterator[Mapping[str, Any]]:
    previous = BEGINNING
    for number, line in enumerate(lines, start=1):
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict) or content.keys() != _FIELDS:
            raise LogTampered(f"Line {number} of {log} is no entry.", f"Restore it: `git log -p {log}`.")
        if content["previous"] != previous:
            raise LogTampered(
                f"Line {number} of {log} does not follow from the one before it: an entry was edited, removed, "
                "inserted or moved.",
                f"Restore it: `git log -p {log}`.",
            )
        if content["model"] != log.stem:
            raise LogTampered(
                f"Line {number} of {log} is about model {content['model']!r}: it belongs to another log.",
                f"Restore it: `git log -p {log}`.",
            )
        previous = _sha256(line)
        yield content


def _entry(content: Mapping[str, Any]) -> Entry:
    return Entry(**{name: str(value) for name, value in content.items() if name != "previous"})


def _sha256(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    until = time.monotonic() + _WAIT_SECONDS
    while (lock := lock_folder(folder)) is None:
        if time.monotonic() > until:
            raise EnvironmentFault(f"{folder} is locked by another process.", "Wait for it to end, or end it.")
        time.sleep(0.01)
    try:
        yield
    finally:
        os.close(lock)
