"""What is measured, and in which order: all benchmarks in turn, again and again, so that noise hits all alike."""

from __future__ import annotations

import json
import shutil
import sys
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from benchmarks import bare, trust, workspace
from benchmarks.figures import Figure, ratios
from benchmarks.process import Run, run
from benchmarks.trust import Trust
from benchmarks.workspace import Workspace
from slipway import project
from slipway.errors import EnvironmentFault
from slipway.progress import step

NOOP_BOUND = 1.2
PIPELINE_BOUND = 1.6
MEMORY_BOUND_MIB = 3 * 1024.0
PACKAGING_BOUND_SECONDS = 2.0
GATES_BOUND_SECONDS = 60.0
# `slipway predict` is to reach 0.8 of the speed of LightGBM alone.
PREDICT_BOUND = 1 / 0.8
PREDICT_MEMORY_BOUND = 1.5
SIGN_BOUND_SECONDS = 1.0
VERIFY_BOUND_SECONDS = 0.5
FEW_ROWS, MANY_ROWS = 300_000, 3_000_000
# A run of two seconds needs more repetitions than one of a minute.
_QUICK_RUNS = 3


class Benchmark(StrEnum):
    """The benchmarks by name; the package's docstring says what each is."""

    NOOP = "noop"
    PIPELINE = "pipeline"
    MEMORY = "memory"
    PACKAGING = "packaging"
    GATES = "gates"
    PREDICT = "predict"
    TRUST = "trust"


@dataclass(frozen=True)
class Scoring:
    """`slipway predict` of few and of many rows, and LightGBM alone with the many in memory (seconds by name)."""

    few: Run
    many: Run
    peer: dict[str, float]


@dataclass
class Measurements:
    """Runs by kind ("repro", "straight", "idle", "idle bare"); by model, the seconds of packaging, the seconds of each
    stage that judges, and the runs of scoring and of signing."""

    runs: dict[str, list[Run]] = field(default_factory=lambda: defaultdict(list))
    packaging: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    judging: dict[str, list[dict[str, float]]] = field(default_factory=lambda: defaultdict(list))
    scoring: dict[str, list[Scoring]] = field(default_factory=lambda: defaultdict(list))
    trust: dict[str, list[tuple[Run, Run]]] = field(default_factory=lambda: defaultdict(list))

    def seconds(self, kind: str) -> list[float]:
        """Seconds of each run of ``kind``."""
        return [run.seconds for run in self.runs[kind]]

    def processor_seconds(self, kind: str) -> list[float]:
        """Processor seconds of each run of ``kind``."""
        return [run.processor_seconds for run in self.runs[kind]]


def measure(names: Collection[Benchmark], repetitions: int) -> list[Figure]:
    """Measure the benchmarks ``names`` in copies of the monorepo.

    Raises:
        EnvironmentFault: when something does not run, is not idle when it should be, or makes another release.
    """
    found = Measurements()
    with workspace.scratch() as scratch:
        copy = workspace.copy(project.root(), scratch)
        copy.install()
        with step("running the pipeline once, to warm up and to have something to be idle on"):
            copy.repro()
        peer = bare.make(scratch / "bare", copy) if Benchmark.NOOP in names else None
        for number in range(1, repetitions + 1):
            which = f"repetition {number} of {repetitions}"
            if Benchmark.PIPELINE in names:
                _straight(copy, found, which)
            if {Benchmark.PIPELINE, Benchmark.MEMORY} & set(names):
                _pipeline(copy, found, which)
            if peer:
                _noop(copy, peer, found, which)
            if Benchmark.PACKAGING in names:
                _packaging(copy, found, which)
            if Benchmark.GATES in names:
                _gates(copy, found, which)
            if Benchmark.PREDICT in names:
                _predict(copy, scratch, found, which)
            if Benchmark.TRUST in names:
                _trust(trust.make(scratch / f"trust-{number}", copy), found, which)
    return [figure for figure in _figures(found) if figure.benchmark in names]


def _straight(copy: Workspace, found: Measurements, which: str) -> None:
    before = copy.releases()
    copy.reset()
    with step(f"one process, {which}"):
        found.runs["straight"].append(copy.module("straight", *copy.models))
    _same(copy, before)


def _pipeline(copy: Workspace, found: Measurements, which: str) -> None:
    before = copy.releases()
    copy.reset()
    with step(f"the pipeline, {which}"):
        found.runs["repro"].append(copy.repro())
    _same(copy, before)


def _same(copy: Workspace, before: dict[str, str]) -> None:
    after = copy.releases()
    if after != before:
        raise EnvironmentFault(
            f"Pipeline and straight script made different releases: {before} and {after}.",
            "They must do the same work to be compared; see what `diff -r` finds between two such runs.",
        )


def _noop(copy: Workspace, peer: Path, found: Measurements, which: str) -> None:
    with step(f"nothing to do, {which}"):
        copy.repro()
        for _ in range(_QUICK_RUNS):
            found.runs["idle"].append(_idle(copy.repro()))
            found.runs["idle bare"].append(_idle(bare.repro(peer, copy)))


def _idle(run: Run) -> Run:
    if "Running stage" in run.output:
        raise EnvironmentFault(f"A `dvc repro` that should have had nothing to do ran a stage:\n{run.output}")
    return run


def _packaging(copy: Workspace, found: Measurements, which: str) -> None:
    before = copy.releases()
    with step(f"packaging, {which}"):
        for model in copy.models:
            for _ in range(_QUICK_RUNS):
                run = copy.module("repackage", model)
                inside = json.loads(run.output.splitlines()[-1])
                found.packaging[model].append((run.seconds, inside["seconds"]))
    _same(copy, before)


def _gates(copy: Workspace, found: Measurements, which: str) -> None:
    for model in copy.models:
        with step(f"the stages that judge {model}, {which}"):
            runs = {stage: copy.stage(command) for stage, command in copy.judging(model).items()}
        found.judging[model].append({stage: run.seconds for stage, run in runs.items()})


def _predict(copy: Workspace, scratch: Path, found: Measurements, which: str) -> None:
    for model in copy.models:
        few, many = (_tiled(copy, scratch, model, rows) for rows in (FEW_ROWS, MANY_ROWS))
        with step(f"LightGBM alone, {which}"):
            peer = json.loads(copy.module("predict", "peer", model, str(many)).output.splitlines()[-1])
        with step(f"slipway predict, {which}"):
            of_few, of_many = (_scored(copy, scratch / "scores", model, file) for file in (few, many))
        found.scoring[model].append(Scoring(of_few, of_many, peer))


def _trust(trusted: Trust, found: Measurements, which: str) -> None:
    for model in trusted.copy.models:
        with step(f"signing and verifying, {which}"):
            for _ in range(_QUICK_RUNS):
                signed = trusted.sign(model)
                trusted.scan(model)
                found.trust[model].append((signed, trusted.verify(model)))


def _tiled(copy: Workspace, scratch: Path, model: str, rows: int) -> Path:
    file = scratch / f"{model}-{rows}.parquet"
    if not file.exists():
        copy.module("predict", "tile", model, str(rows), str(file))
    return file


def _scored(copy: Workspace, output: Path, model: str, file: Path) -> Run:
    command = [sys.executable, "-m", "slipway", "predict", model, str(file), "--to", str(output)]
    done = run(command, copy.folder, copy.environment)
    shutil.rmtree(output)
    return done


def _figures(found: Measurements) -> Iterator[Figure]:
    if found.runs["idle"]:
        labels = {"idle": "this monorepo", "idle bare": "bare DVC project"}
        yield from _against(found, Benchmark.NOOP, labels, NOOP_BOUND)
    if found.runs["straight"]:
        labels = {"repro": "dvc repro", "straight": "one process"}
        yield from _against(found, Benchmark.PIPELINE, labels, PIPELINE_BOUND)
    repro = found.runs["repro"]
    if repro:
        yield Figure(Benchmark.MEMORY, "largest process", "MiB", [run.largest_mib for run in repro], MEMORY_BOUND_MIB)
        yield Figure(
            Benchmark.MEMORY, "whole process tree", "MiB", [run.together_mib for run in repro], MEMORY_BOUND_MIB
        )
    for model, pairs in found.packaging.items():
        whole, inside = zip(*pairs, strict=True)
        bound = PACKAGING_BOUND_SECONDS
        yield Figure(Benchmark.PACKAGING, f"{model}, with imports", "s", whole, bound)
        yield Figure(Benchmark.PACKAGING, f"{model}, without imports", "s", inside, bound)
    for model, seconds in found.judging.items():
        yield from _judging(model, seconds)
    for model, scorings in found.scoring.items():
        yield from _scoring(model, scorings)
    for model, runs in found.trust.items():
        for number, verb, bound in ((0, "sign", SIGN_BOUND_SECONDS), (1, "verify", VERIFY_BOUND_SECONDS)):
            each = [pair[number] for pair in runs]
            yield Figure(Benchmark.TRUST, f"{model}, slipway {verb}", "s", [run.seconds for run in each], bound)
            yield Figure(Benchmark.TRUST, f"{model}, {verb}, CPU time", "s", [run.processor_seconds for run in each])


def _judging(model: str, seconds: Sequence[dict[str, float]]) -> Iterator[Figure]:
    """The stages that pass verdicts, with all that they do besides, each in a process of its own as in the pipeline."""
    for stage in seconds[0]:
        yield Figure(Benchmark.GATES, f"{model}, {stage}", "s", [each[stage] for each in seconds])
    together = [sum(each.values()) for each in seconds]
    yield Figure(Benchmark.GATES, f"{model}, all gates together", "s", together, GATES_BOUND_SECONDS)


def _scoring(model: str, scorings: Sequence[Scoring]) -> Iterator[Figure]:
    """The whole command against LightGBM's call alone, and how memory grows with ten times the rows."""
    command, alone = [each.many.seconds for each in scorings], [each.peer["seconds"] for each in scorings]
    yield Figure(Benchmark.PREDICT, f"{model}, slipway predict", "s", command)
    yield Figure(Benchmark.PREDICT, f"{model}, LightGBM alone", "s", alone)
    yield Figure(Benchmark.PREDICT, "ratio", "x", ratios(command, alone), PREDICT_BOUND)
    processor = (
        [each.many.processor_seconds for each in scorings],
        [each.peer["processor_seconds"] for each in scorings],
    )
    yield Figure(Benchmark.PREDICT, "ratio, CPU time", "x", ratios(*processor), PREDICT_BOUND)
    few, many = [each.few.largest_mib for each in scorings], [each.many.largest_mib for each in scorings]
    yield Figure(Benchmark.PREDICT, f"memory, {FEW_ROWS:,} rows", "MiB", few)
    yield Figure(Benchmark.PREDICT, f"memory, {MANY_ROWS:,} rows", "MiB", many)
    yield Figure(Benchmark.PREDICT, "memory, ratio", "x", ratios(many, few), PREDICT_MEMORY_BOUND)


def _against(found: Measurements, benchmark: Benchmark, labels: dict[str, str], bound: float) -> Iterator[Figure]:
    """The seconds of two kinds of run, labelled, and their ratios, first to second."""
    first, second = labels
    for kind, label in labels.items():
        yield Figure(benchmark, label, "s", found.seconds(kind))
    yield Figure(benchmark, "ratio", "x", ratios(found.seconds(first), found.seconds(second)), bound)
    # Computing that both share thins the ratio out, and leaves this as it is.
    difference = [one - other for one, other in zip(found.seconds(first), found.seconds(second), strict=True)]
    yield Figure(benchmark, "difference", "s", difference)
    processor = ratios(found.processor_seconds(first), found.processor_seconds(second))
    yield Figure(benchmark, "ratio, CPU time", "x", processor)
