"""Measure the model on the months after those it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import polars as pl

from slipway import configuration, project, stage
from slipway.errors import UsageError
from slipway.evaluation import baselines, curves, kpi, slicing
from slipway.evaluation.metrics import Floats, sample
from slipway.evaluation.resampling import Resampling, estimate
from slipway.files import read_yaml, replacing, sha256_file, sha256_folder, write_json
from slipway.gates.verdict import rounded
from slipway.progress import step


@dataclass(frozen=True)
class Judged:
    """The evaluation rows with their labels, and the model's scores of them."""

    rows: pl.DataFrame
    label: Floats
    score: Floats

    @property
    def day(self) -> np.ndarray:
        return self.rows["day"].to_numpy()


def evaluate(model: str) -> None:
    """Write artifacts/MODEL/evaluation/: scores, metrics, curves and feature importance."""
    params = configuration.load(model)
    paths, contract = project.paths(model), project.module(model, "contract")
    rows = pl.read_parquet(paths.features / "evaluation_rows.parquet")
    features = pl.read_parquet(paths.features / "evaluation.parquet")
    scored = {"model.txt": sha256_file(paths.trained / "model.txt"), "features": sha256_folder(paths.features)}
    booster = lightgbm.Booster(model_file=paths.trained / "model.txt")
    score = np.asarray(booster.predict(features.to_numpy()))
    judged = Judged(rows, rows[contract.LABEL].to_numpy().astype(float), score)
    with step("fitting the baselines"):
        simple = _baselines(model, features)
    with step("measuring, with intervals"):
        metrics = _metrics(model, judged, Resampling(**params.evaluate.model_dump()))
    with replacing(paths.evaluation) as folder:
        folder.mkdir()
        write_json(folder / "judged.json", scored)
        scores = {"score": judged.score} | {f"baseline.{name}": score for name, score in simple.items()}
        rows.with_columns(**{k: pl.Series(v) for k, v in scores.items()}).write_parquet(folder / "scores.parquet")
        write_json(folder / "metrics.json", rounded(metrics))
        write_json(folder / "summary.json", rounded(_summary(metrics)))
        write_json(folder / "curves.json", rounded(_curves(model, judged, params.gates.calibration.bins)))
        write_json(folder / "importance.json", rounded(_importance(booster)))


def _baselines(model: str, features: pl.DataFrame) -> dict[str, Floats]:
    paths, contract = project.paths(model), project.module(model, "contract")
    train = pl.read_parquet(paths.features / "train.parquet")
    label = pl.read_parquet(paths.features / "train_rows.parquet")[contract.LABEL].to_numpy().astype(float)
    categorical = [features.columns.index(name) for name in project.module(model, "features").CATEGORICAL]
    return baselines.scores(train.to_numpy(), label, features.to_numpy(), categorical)


def _metrics(model: str, judged: Judged, plan: Resampling) -> dict[str, Any]:
    overall = estimate(sample(judged.label, judged.day), judged.score, plan)
    groups = ["period", *(name for name in judged.rows.columns if name.startswith("slice."))]
    return {
        "rows": len(judged.label),
        "rate": float(judged.label.mean()),
        "overall": {name: entry.as_dict() for name, entry in overall.items()},
        "groups": {
            name.removeprefix("slice."): slicing.per_group(
                judged.rows[name].to_numpy(), judged.label, judged.score, judged.day, plan
            )
            for name in groups
        },
        "kpi": kpi.summary(judged.label, judged.score, costs(model)),
    }


def _summary(metrics: dict[str, Any]) -> dict[str, float]:
    """What `dvc metrics show` can print in one line."""
    return {
        **{name: estimated["value"] for name, estimated in metrics["overall"].items()},
        "rows": metrics["rows"],
        "saved": metrics["kpi"]["saved"],
    }


def costs(model: str) -> kpi.Costs:
    """The costs of model.yaml."""
    file = project.paths(model).home / "model.yaml"
    try:
        return kpi.Costs(**read_yaml(file)["kpi"]["costs"])
    except (KeyError, TypeError) as error:
        raise UsageError(
            f"{file} does not state the KPI's costs: {error}.",
            f"Give kpi.costs the numbers {', '.join(kpi.Costs.__dataclass_fields__)}.",
        ) from error


def _curves(model: str, judged: Judged, bins: int) -> dict[str, Any]:
    return {
        "roc": curves.receiver_operating(judged.label, judged.score),
        "precision_recall": curves.precision_recall(judged.label, judged.score),
        "reliability": curves.reliability(judged.label, judged.score, bins),
        "kpi": kpi.curve(judged.label, judged.score, costs(model)),
    }


def _importance(booster: lightgbm.Booster) -> dict[str, float]:
    """Share of the total gain that each feature brings."""
    gain = booster.feature_importance("gain")
    shares = dict(zip(booster.feature_name(), (gain / gain.sum()).tolist(), strict=True))
    return dict(sorted(shares.items(), key=lambda entry: -entry[1]))


if __name__ == "__main__":
    stage.run(evaluate)
