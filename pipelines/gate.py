"""Pass every remaining verdict on the model, and write all of them into one evidence file."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl

from slipway import configuration, evidence, gates, project, stage
from slipway.configuration import Gates
from slipway.errors import EnvironmentFault
from slipway.evaluation.metrics import Floats, Sample, sample
from slipway.evaluation.resampling import Resampling
from slipway.evaluation.robustness import Attack, Noising, distances, noise
from slipway.evaluation.rows import judged_rows
from slipway.files import read_json, sha256_file, write_json
from slipway.gates import (
    baseline,
    budget,
    calibration,
    challenger,
    leakage,
    policy,
    robustness,
    skew,
    slices,
    supply_chain,
)
from slipway.gates.verdict import Verdict
from slipway.progress import step
from slipway.release import Release, facts, footprint, load, package, rehearsal
from slipway.release.booster import Booster
from slipway.supply_chain import inspection, sbom


def gate(model: str) -> None:
    """Write the verdict files of the model's gates and artifacts/MODEL/evidence.json; exit 1 if one is red."""
    params = configuration.load(model)
    paths = project.paths(model)
    write_json(paths.sbom, sbom.describe())
    subject = evidence.subject(paths)
    _refuse_unless_current(subject, paths)
    scores = pl.read_parquet(paths.evaluation / "scores.parquet")
    plan = Resampling(**params.evaluate.model_dump())
    with step("judging"):
        verdicts = [
            policy.judge(facts.gather(paths), params.gates.policy),
            _leakage(paths, params.gates),
            *_quality(model, scores, plan, params.gates),
            _challenger(model, scores, plan, params.gates),
        ]
    if not verdicts[0].passed:  # A release that does not say what it must cannot be assembled.
        evidence.conclude(verdicts, subject, paths)
    with package.candidate(paths, params.model_dump(mode="json")) as folder:
        verdicts += _of_the_release(load(folder), scores, params.gates)
        evidence.pronounce(verdicts, subject, paths)
        verdicts.append(_supply_chain(folder, paths, params.gates))
    evidence.pronounce(verdicts[-1:], subject, paths)
    write_json(paths.evidence, evidence.collect(gates.names(), paths))
    evidence.stop_if_red(verdicts, paths)


def _refuse_unless_current(subject: dict[str, str], paths: project.ModelPaths) -> None:
    """The scores must be those of this model on these rows, and the champion's of the same."""
    judged = read_json(paths.evaluation / "judged.json")
    studied = read_json(paths.study / "study.json")["judged"]
    judged_scores = read_json(paths.challenge / "comparison.json")["scores"]
    stale = [name for name, digest in judged.items() if subject.get(name) != digest]
    stale += [f"study.json ({name})" for name, digest in studied.items() if subject.get(name) != digest]
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


def _of_the_release(candidate: Release, scores: pl.DataFrame, limits: Gates) -> list[Verdict]:
    """Judge the release that would be packaged."""
    paths = project.paths(candidate.model)
    raw = judged_rows(paths, project.module(candidate.model, "contract"), scores)
    with step("measuring what the release takes"):
        taken = budget.judge(footprint.measure(candidate.folder, max(paths.validated.glob("*.parquet"))), limits.budget)
    with step("asking the real server"):
        answered = _skew(candidate, raw, scores["score"].to_numpy(), limits)
    with step("adding noise, and attacking"):
        steady = _robustness(candidate, raw, limits)
    return [taken, answered, steady]


def _supply_chain(folder: Path, paths: project.ModelPaths, limits: Gates) -> Verdict:
    """Look into every file that enters the release: those of the candidate, and the verdicts passed so far."""
    judged = {file.name: file for file in map(paths.verdict, gates.names()) if file.name != "supply_chain.json"}
    with step("looking into the release's files and packages"):
        return supply_chain.judge(
            inspection.inspect(folder, limits.supply_chain.max_file_mib, judged), limits.supply_chain
        )


def _skew(candidate: Release, raw: pl.DataFrame, score: Floats, limits: Gates) -> Verdict:
    """Ask the candidate's server about a sample of the rows that were evaluated."""
    chosen = rehearsal.sample(raw, candidate.fields, limits.skew.min_rows)
    offline = skew.Answers(score[chosen], score[chosen] >= candidate.threshold)
    return skew.judge(offline, rehearsal.rehearse(candidate.folder, raw[chosen]), limits.skew)


def _robustness(candidate: Release, raw: pl.DataFrame, limits: Gates) -> Verdict:
    """Put noise on a sample of the rows that were evaluated, and attack a smaller one."""
    plan = limits.robustness
    shaken = noise(candidate.score_table, raw, candidate.fields, Noising(plan.noise_rows, plan.noise_share, plan.seed))
    booster = Booster((candidate.folder / "model.txt").read_bytes())
    moved = distances(
        lambda features: booster.predict(features) >= candidate.threshold,
        pl.read_parquet(project.paths(candidate.model).features / "evaluation.parquet"),
        project.module(candidate.model, "features").CATEGORICAL,
        Attack(plan.attacked_rows, plan.attack_iterations, plan.seed),
    )
    return robustness.judge(shaken, moved, candidate.threshold, plan)


def _challenger(model: str, scores: pl.DataFrame, plan: Resampling, limits: Gates) -> Verdict:
    folder = project.paths(model).challenge
    digest = read_json(folder / "comparison.json")["champion"]
    reigning = None
    if digest is not None:
        reigning = challenger.Champion(digest, pl.read_parquet(folder / "scores.parquet")["score"].to_numpy())
    return challenger.judge(_sample(model, scores), scores["score"].to_numpy(), reigning, plan, limits.challenger)


if __name__ == "__main__":
    stage.run(gate)
