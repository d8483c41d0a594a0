"""Finished parts, beside the output until all are there.

For an output OUT, the folder .OUT.unfinished holds ``plan.json`` (what the run depends on), ``parts/`` and
``quarantine/``. At the end quarantine/ and then parts/ are renamed to where they belong: OUT is there or it is not.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from slipway.batch.plan import Part, Plan, differences
from slipway.errors import EnvironmentFault, UsageError
from slipway.files import read_json, replacing, write_json

RUN = "slipway.run"
QUARANTINED = "slipway.quarantined"
ROWS = "slipway.rows"


@dataclass(frozen=True)
class Finished:
    """A written part: how many rows it was made of, and how many of them are in quarantine."""

    rows: int
    quarantined: int


def committed(output: Path, quarantine: Path | None, plan: Plan) -> list[Finished] | None:
    """The parts of ``output``, or None when there is no such folder yet.

    Raises:
        UsageError: when something else stands there, or the rows that it refused are not in ``quarantine``.
    """
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return None
    found = [_finished(output / _name(part), plan) for part in plan.parts]
    whole = [part for part in found if part is not None]
    if len(whole) < len(found):
        raise UsageError(
            f"{output} exists, and it is not the output of this very run (release, input, kept columns).",
            "Give another folder to --to, or remove that one.",
        )
    if quarantine is not None:
        _check_refused(output, quarantine, plan, whole)
    shutil.rmtree(_unfinished(output), ignore_errors=True)  # of a run that was killed after its commit
    return whole


def _check_refused(output: Path, quarantine: Path, plan: Plan, parts: list[Finished]) -> None:
    """See that the rows that a finished run refused are still where it put them."""
    refused = [(part, facts) for part, facts in zip(plan.parts, parts, strict=True) if facts.quarantined]
    lost = sum(facts.quarantined for part, facts in refused if _finished(quarantine / _name(part), plan) != facts)
    if lost:
        raise UsageError(
            f"{output} is finished, but {lost} of the rows that it refused are not in {quarantine} any more.",
            f"Put that folder back, or remove {output} to score again.",
        )


class Store:
    """What an unfinished run has got so far. Only one process has it open at a time; see :func:`opened`."""

    def __init__(self, folder: Path, output: Path, quarantine: Path | None, plan: Plan) -> None:
        self._folder = folder
        self._output = output
        self._quarantine = quarantine
        self._plan = plan

    def finished(self) -> dict[Part, Finished]:
        """The parts that need not be scored again.

        Raises:
            UsageError: when some were scored with rows put into quarantine and this run has none.
        """
        found = {part: _finished(self._folder / "parts" / _name(part), self._plan) for part in self._plan.parts}
        done = {part: facts for part, facts in found.items() if facts is not None}
        rows = sum(facts.quarantined for facts in done.values())
        if rows and self._quarantine is None:
            raise UsageError(
                f"The run to {self._output} that was interrupted put {rows} rows into quarantine.",
                f"Give --quarantine again, or remove {self._folder} to begin anew.",
            )
        return done

    def write(self, part: Part, scores: pl.DataFrame, refused: pl.DataFrame, metadata: dict[str, str]) -> Finished:
        """Keep a scored part, the rows that it refused first."""
        facts = {RUN: self._plan.digest, ROWS: str(part.rows), QUARANTINED: str(refused.height), **metadata}
        if refused.height:
            _write(refused, self._folder / "quarantine" / _name(part), facts)
        _write(scores, self._folder / "parts" / _name(part), facts)
        return Finished(part.rows, refused.height)

    def commit(self) -> None:
        """Give the output its name; everything in it is written."""
        try:
            refused = self._folder / "quarantine"
            if self._quarantine is not None and refused.is_dir():
                os.rename(refused, self._quarantine)
            os.rename(self._folder / "parts", self._output)
        except OSError as error:
            raise EnvironmentFault(
                f"{error.filename2 or error.filename} could not be put in its place: {error.strerror}.",
                "Every row is scored; mend that and run the same command again.",
            ) from error
        shutil.rmtree(self._folder, ignore_errors=True)


@contextmanager
def opened(output: Path, quarantine: Path | None, plan: Plan) -> Iterator[Store]:
    """Begin or resume the run to ``output``, alone.

    Raises:
        UsageError: when an unfinished run to it differs from this one, or is under way in another process.
        EnvironmentFault: when the folder cannot be made.
    """
    folder = _unfinished(output)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise EnvironmentFault(
            f"{folder} cannot be made: {error.strerror}.", "Name a folder you may write in."
        ) from error
    try:
        _lock(lock, output)
        _claim(folder, output, plan)
        _check_quarantine(folder, output, quarantine, plan)
        yield Store(folder, output, quarantine, plan)
    finally:
        os.close(lock)


def _lock(lock: int, output: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(f"Another process is scoring to {output}.", "Wait for it, or give another --to.") from error


def _claim(folder: Path, output: Path, plan: Plan) -> None:
    """Note what the run depends on, or see that it is what it was."""
    file = folder / "plan.json"
    if not file.is_file():
        write_json(file, plan.record())
        return
    changed = differences(read_json(file), plan.record())
    if changed:
        raise UsageError(
            f"An unfinished run to {output} is another one: {'; '.join(changed)}.",
            f"Run what was begun, give another folder to --to, or remove {folder} to begin anew.",
        )


def _check_quarantine(folder: Path, output: Path, quarantine: Path | None, plan: Plan) -> None:
    if quarantine is None:
        return
    if quarantine.exists() and not _is_ours(quarantine, plan):
        raise UsageError(f"{quarantine} exists.", "Give another folder to --quarantine, or remove that one.")
    try:
        quarantine.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentFault(f"{quarantine.parent} cannot be made: {error.strerror}.") from error
    if quarantine.parent.stat().st_dev != folder.stat().st_dev:
        raise UsageError(f"{quarantine} and {output} lie on different disks.", "Put both on one.")


def _is_ours(quarantine: Path, plan: Plan) -> bool:
    """Whether this run committed its quarantine and was killed before it committed its output."""
    files = list(quarantine.glob("*")) if quarantine.is_dir() else []
    return all(_finished(file, plan) is not None for file in files) and quarantine.is_dir()


def _unfinished(output: Path) -> Path:
    return output.parent / f".{output.name}.unfinished"


def _name(part: Part) -> str:
    return f"part-{part.number:05}.parquet"


def _write(frame: pl.DataFrame, target: Path, facts: dict[str, Any]) -> None:
    with replacing(target) as staged:
        frame.write_parquet(staged, metadata=facts)


def _finished(file: Path, plan: Plan) -> Finished | None:
    """What a part says of itself, or None when it is missing, cut short or another run's."""
    try:
        facts = pl.read_parquet_metadata(file)
    except (PolarsError, OSError):
        return None
    return Finished(int(facts[ROWS]), int(facts[QUARANTINED])) if facts.get(RUN) == plan.digest else None
