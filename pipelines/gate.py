"""Pass every remaining verdict on the model, and write all of them into one evidence file."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import polars as pl

from slipway import configuration, evidence, gates, project, stage
from slipway.configuration import Gates
from slipway.errors import EnvironmentFault
from slipway.evaluation.metrics import Sample, sample
from slipway.evaluation.resampling import Resampling
from slipway.files import read_json, sha256_file, write_json
from slipway.gates import baseline, budget, calibration, challenger, leakage, policy, slices
from slipway.gates.verdict import Verdict
from slipway.progress import step
from slipway.release import facts, footprint


def gate(model: str) -> None:
    """Write the verdict files of the model's gates and artifacts/MODEL/evidence.json; exit 1 if one is red."""
    params = configuration.load(model)
    paths = project.paths(model)
    subject = evidence.subject(paths)
    _refuse_unless_current(subject, paths)
    scores = pl.read_parquet(paths.evaluation / "scores.parquet")
    plan = Resampling(**params.evaluate.model_dump())
    with step("judging"):
        verdicts = [
            _leakage(paths, params.gates),
            *_quality(model, scores, plan, params.gates),
            _challenger(model, scores, plan, params.gates),
            budget.judge(footprint.measure(model, paths.trained / "model.txt"), params.gates.budget),
            policy.judge(facts.gather(paths), params.gates.policy),
        ]
    evidence.pronounce(verdicts, subject, paths)
    write_json(paths.evidence, evidence.collect(gates.names(), paths))
    evidence.stop_if_red(verdicts, paths)


def _refuse_unless_current(subject: dict[str, str], paths: project.ModelPaths) -> None:
    """The scores must be those of this model on these rows, and the champion's of the same."""
    judged = read_json(paths.evaluation / "judged.json")
    judged_scores = read_json(paths.challenge / "comparison.json")["scores"]
    stale = [name for name, digest in judged.items() if subject.get(name) != digest]
    if judged_scores != sha256_file(paths.evaluation / "scores.parquet"):
        stale.append("scores.parquet")
    if stale:
        raise EnvironmentFault(
            f"{', '.join(stale)} changed after it was evaluated, so its scores say nothing.", "Run `dvc repro`."
        )


def _leakage(paths: project.ModelPaths, limits: Gates) -> Verdict:
    rows = pl.read_parquet(paths.features / "evaluation_rows.parquet")
    travel = leakage.TimeTravel(
        pl.read_parquet(paths.features / "travel_used.parquet"),
        pl.read_parquet(paths.features / "travel_as_of.parquet"),
    )
    contract: ModuleType = project.module(paths.name, "contract")
    return leakage.judge(
        pl.read_parquet(paths.features / "evaluation.parquet"),
        rows[contract.LABEL].to_numpy(),
        rows.select(pl.col("^outcome\\..*$")).rename(lambda name: name.removeprefix("outcome.")),
        travel,
        limits.leakage,
    )


def _quality(model: str, scores: pl.DataFrame, plan: Resampling, limits: Gates) -> list[Verdict]:
    data, score = _sample(model, scores), scores["score"].to_numpy()
    simple = {
        name.removeprefix("baseline."): scores[name].to_numpy()
        for name in scores.columns
        if name.startswith("baseline.")
    }
    return [
        baseline.judge(data, score, simple, plan, limits.baseline),
        slices.judge(data, score, _slices(model, scores), limits.slices),
        calibration.judge(data.label, score, limits.calibration),
    ]


def _sample(model: str, scores: pl.DataFrame) -> Sample:
    label = project.module(model, "contract").LABEL
    return sample(scores[label].to_numpy(), scores["day"].to_numpy())


def _slices(model: str, scores: pl.DataFrame) -> list[slices.Slice]:
    label = project.module(model, "contract").LABEL
    past = pl.read_parquet(project.paths(model).features / "train_rows.parquet")
    found = []
    for column in (name for name in scores.columns if name.startswith("slice.")):
        rates = dict(past.group_by(column).agg(pl.col(label).mean()).iter_rows())
        values = scores[column].to_numpy()
        for value in np.unique(values):
            name = f"{column.removeprefix('slice.')}={value}"
            found.append(slices.Slice(name, values == value, rates.get(value, past[label].mean())))
    return found


def _challenger(model: str, scores: pl.DataFrame, plan: Resampling, limits: Gates) -> Verdict:
    folder = project.paths(model).challenge
    digest = read_json(folder / "comparison.json")["champion"]
    reigning = None
    if digest is not None:
        reigning = challenger.Champion(digest, pl.read_parquet(folder / "scores.parquet")["score"].to_numpy())
    return challenger.judge(_sample(model, scores), scores["score"].to_numpy(), reigning, plan, limits.challenger)


if __name__ == "__main__":
    stage.run(gate)
