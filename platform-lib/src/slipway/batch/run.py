"""From a release and the names of files to an output folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from slipway.batch import inputs, plan, store
from slipway.batch.pipeline import Scored, score_block, score_parts
from slipway.batch.plan import Part, Plan
from slipway.batch.rules import TableRules
from slipway.batch.store import Finished, Store
from slipway.contracts.request import TOLD
from slipway.errors import UsageError
from slipway.progress import counting, step
from slipway.release import Release

FILE, ROW, REASONS = "file", "row", "reasons"


class RowsRefused(UsageError):
    """Rows break the request rules, and there is no quarantine for them."""


@dataclass(frozen=True)
class Job:
    """What to score and where to write it.

    Attributes:
        names: files, folders and globs.
        output: the folder to make.
        keep: columns of the input to carry into the output; without any, file and row number stand there.
        quarantine: the folder for rows that break the rules; without one they end the run.
        threads: how many to score with; by default one per core that this process may use.
    """

    names: Sequence[str]
    output: Path
    keep: Sequence[str] = ()
    quarantine: Path | None = None
    threads: int = 0


@dataclass(frozen=True)
class Summary:
    """What a run came to.

    Attributes:
        model, release: what scored.
        output, quarantine: the folders; quarantine is null when no row was refused.
        rows: of the input.
        scored: rows of the output.
        quarantined: rows of the quarantine.
        resumed: rows that an earlier, interrupted run had done.
        parts: files of the output.
    """

    model: str
    release: str
    output: str
    quarantine: str | None
    rows: int
    scored: int
    quarantined: int
    resumed: int
    parts: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def predict(release: Release, job: Job) -> Summary:
    """Score a table of any size, beginning where an interrupted run of the same job ended.

    Raises:
        RowsRefused: when rows break the rules and there is no quarantine; what was scored before stays.
        UsageError: when the input cannot be scored, or the output or an unfinished run is another one's.
        EnvironmentFault: when the disk is full, and the like; what was scored before stays.
    """
    rules = TableRules(release.fields)
    threads = job.threads or len(os.sched_getaffinity(0))
    paths = inputs.find(job.names)
    _check_names(release, job, paths)
    with step(f"looking at {len(paths)} input file{'s' if len(paths) > 1 else ''}"):
        found = inputs.inspect(paths, rules, job.keep, threads)
    planned = plan.make(release.digest, found, job.keep)
    already = store.committed(job.output, job.quarantine, planned)
    if already is not None:
        return _summary(release, job, planned, already, already)
    with store.opened(job.output, job.quarantine, planned) as opened:
        done = opened.finished()
        rest = [part for part in planned.parts if part not in done]
        written = _score(release, rules, job, planned, opened, rest, threads)
        opened.commit()
    return _summary(release, job, planned, [*done.values(), *written], list(done.values()))


def _check_names(release: Release, job: Job, paths: Sequence[Path]) -> None:
    made = {release.score_name, release.decision_name}
    clash = made & set(job.keep)
    if clash or len(set(job.keep)) < len(job.keep):
        wrong = ", ".join(sorted(clash)) or "a column twice"
        raise UsageError(f"--keep names {wrong}.", f"The output has {' and '.join(sorted(made))} of its own.")
    for folder in (job.output, job.quarantine):
        inside = folder and (
            any(path.resolve().is_relative_to(folder.resolve()) for path in paths)
            or any(folder.resolve().is_relative_to(Path(name).resolve()) for name in job.names if Path(name).is_dir())
        )
        if inside:
            raise UsageError(f"{folder} and the input lie within each other.", "Write beside the input, not into it.")
    if job.quarantine is not None and _nested(job.quarantine.resolve(), job.output.resolve()):
        raise UsageError("--to and --quarantine lie within each other.", "Give them two folders side by side.")


def _nested(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)


def _score(
    release: Release,
    rules: TableRules,
    job: Job,
    planned: Plan,
    opened: Store,
    rest: Sequence[Part],
    threads: int,
) -> list[Finished]:
    columns = list(dict.fromkeys((*rules.names, *job.keep)))
    metadata = {
        "slipway.model": release.model,
        "slipway.release": release.digest,
        "slipway.threshold": repr(release.threshold),
    }
    written = []
    todo = sum(part.rows for part in rest)
    with counting(f"scoring with {release.model} {release.digest[:12]}", "rows", planned.rows, todo) as advance:
        scored_parts = score_parts(
            rest,
            lambda part: part.input.read(columns, part.offset, part.rows),
            partial(score_block, release, rules),
            threads,
        )
        for part, frame, scored in scored_parts:
            if scored.breaches and job.quarantine is None:
                raise _refusal(part, scored)
            answers = _answers(release, part, frame, scored, job.keep)
            written.append(opened.write(part, answers, _refused(part, frame, scored), metadata))
            advance(part.rows)
    return written


def _answers(release: Release, part: Part, frame: pl.DataFrame, scored: Scored, keep: Sequence[str]) -> pl.DataFrame:
    rows = frame.select(keep) if keep else _places(part)
    answers = rows.with_columns(
        pl.Series(release.score_name, scored.scores),
        pl.Series(release.decision_name, scored.scores >= release.threshold),
    )
    return answers if scored.keeps.all() else answers.filter(scored.keeps)


def _refused(part: Part, frame: pl.DataFrame, scored: Scored) -> pl.DataFrame:
    reasons: dict[int, list[str]] = {}
    for breach in scored.breaches:
        reasons.setdefault(breach.row or 0, []).append(f"{breach.field}: {breach.rule}")
    refused = pl.concat([_places(part), frame.select(pl.exclude(FILE, ROW, REASONS))], how="horizontal")
    return refused.filter(~scored.keeps).with_columns(pl.Series(REASONS, list(reasons.values()), pl.List(pl.String)))


def _places(part: Part) -> pl.DataFrame:
    """File and row number (from 0) of each row of ``part``."""
    rows = np.arange(part.offset, part.offset + part.rows)
    return pl.DataFrame({ROW: rows}).select(pl.lit(str(part.input.path)).alias(FILE), ROW)


def _refusal(part: Part, scored: Scored) -> RowsRefused:
    count = int((~scored.keeps).sum())
    lines = [
        f"  row {part.offset + (breach.row or 0)}, field {breach.field!r}: {breach.message} (rule {breach.rule})"
        for breach in scored.breaches[:TOLD]
    ]
    first, last = part.offset, part.offset + part.rows - 1
    return RowsRefused(
        f"{part.input.path} breaks the rules of a request in {count} of its rows {first} to {last} (counted from 0):\n"
        + "\n".join(lines)
        + "\n",
        "Mend the input, or give --quarantine FOLDER to set such rows aside with their reasons. "
        "What was scored before them is kept: the same command with --quarantine goes on from there.",
    )


def _summary(
    release: Release, job: Job, planned: Plan, parts: Sequence[Finished], resumed: Sequence[Finished]
) -> Summary:
    quarantined = sum(part.quarantined for part in parts)
    return Summary(
        model=release.model,
        release=release.digest,
        output=str(job.output),
        quarantine=str(job.quarantine) if quarantined and job.quarantine else None,
        rows=planned.rows,
        scored=planned.rows - quarantined,
        quarantined=quarantined,
        resumed=sum(part.rows for part in resumed),
        parts=len(planned.parts),
    )
