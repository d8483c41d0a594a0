"""What the pipeline left behind, read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from slipway.drift.reading import Reading, from_json
from slipway.errors import EnvironmentFault
from slipway.files import read_json
from slipway.project import ModelPaths
from slipway.report import lineage, standing, verdicts
from slipway.report.lineage import Stage
from slipway.report.standing import Standing
from slipway.report.verdicts import Judgement

_PARAMS = Path("params.yaml")


@dataclass(frozen=True)
class Window:
    """Rows that were trained or judged on: how many, and their periods in order of time."""

    rows: int
    periods: list[str]

    def __str__(self) -> str:
        span = f"{self.periods[0]} to {self.periods[-1]}" if len(self.periods) > 1 else "".join(self.periods)
        return f"{span} · {self.rows:,} rows"


@dataclass(frozen=True)
class Findings:
    """All that the page shows.

    Attributes:
        model: the model's name.
        card: the content of its model.yaml.
        params: its block of params.yaml.
        train, evaluation: what it was trained and judged on.
        judgements: one per gate.
        standing: whether it became a release.
        metrics, curves, importance, study, comparison: the JSON of stages evaluate, study and challenge.
        drift: what the drift stage measured, None where it has not run.
        observed: measurements of this machine by gate, empty where there are none.
        provenance: where the data came from.
        stages: the pipeline's stages with what each wrote.
    """

    model: str
    card: Mapping[str, Any]
    params: Mapping[str, Any]
    train: Window
    evaluation: Window
    judgements: list[Judgement]
    standing: Standing
    metrics: Mapping[str, Any]
    curves: Mapping[str, Any]
    importance: Mapping[str, float]
    study: Mapping[str, Any]
    comparison: Mapping[str, Any]
    drift: Reading | None
    observed: Mapping[str, Any]
    provenance: Mapping[str, Any]
    stages: list[Stage]

    def judgement(self, gate: str) -> Judgement:
        """The judgement of ``gate``, which must be one of :func:`slipway.gates.names`."""
        return next(entry for entry in self.judgements if entry.gate == gate)


def read(paths: ModelPaths) -> Findings:
    """Read everything about the model of ``paths``.

    Raises:
        EnvironmentFault: naming the file that is missing or broken.
    """
    judgements = verdicts.read(paths)
    reading = paths.drift / "reading.json"
    return Findings(
        model=paths.name,
        card=_yaml(paths.home / "model.yaml"),
        params=_yaml(_PARAMS).get("models", {}).get(paths.name, {}),
        train=_window(paths.features / "train_rows.parquet"),
        evaluation=_window(paths.features / "evaluation_rows.parquet"),
        judgements=judgements,
        standing=standing.of(judgements, paths),
        metrics=read_json(paths.evaluation / "metrics.json"),
        curves=read_json(paths.evaluation / "curves.json"),
        importance=read_json(paths.evaluation / "importance.json"),
        study=read_json(paths.study / "study.json"),
        comparison=read_json(paths.challenge / "comparison.json"),
        drift=from_json(read_json(reading)) if reading.is_file() else None,
        observed=read_json(paths.observed) if paths.observed.is_file() else {},
        provenance=read_json(paths.provenance),
        stages=lineage.read(paths),
    )


def _yaml(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text())
    except FileNotFoundError as error:
        raise EnvironmentFault(f"{file} is missing.", f"Restore it: `git checkout {file}`.") from error
    except yaml.YAMLError as error:
        raise EnvironmentFault(f"{file} is not valid YAML: {error}.", "Mend that line.") from error
    if not isinstance(content, dict):
        raise EnvironmentFault(f"{file} holds no mapping.", f"Restore it: `git checkout {file}`.")
    return content


def _window(file: Path) -> Window:
    if not file.is_file():
        raise EnvironmentFault(f"{file} is missing.", "Run `make repro` to make it.")
    period = pl.read_parquet(file, columns=["period"])["period"]
    return Window(len(period), period.unique().sort().to_list())
