"""Retrain the model without each feature, and through each earlier month: what earns its place, what age costs."""

from __future__ import annotations

import numpy as np

from slipway import configuration, project, stage
from slipway.evaluation import ablation, staleness
from slipway.evaluation.resampling import Resampling
from slipway.evaluation.retraining import Recipe, read
from slipway.files import replacing, sha256_folder, write_json
from slipway.gates.verdict import rounded
from slipway.progress import counting


def study(model: str) -> None:
    """Write artifacts/MODEL/study/study.json: an ablation of every feature and the staleness curve."""
    params = configuration.load(model)
    chosen, plan = params.study, Resampling(**params.evaluate.model_dump())
    paths, features = project.paths(model), project.module(model, "features")
    judged = {"features": sha256_folder(paths.features)}
    past, future = read(model, "train"), read(model, "evaluation")
    steps = {"num_trees": chosen.num_trees, "learning_rate": chosen.learning_rate}
    recipe = Recipe(project.module(model, "train").fit, params.train.model_dump() | steps)
    settings = ablation.Ablation(features.NAMES, features.CATEGORICAL, chosen.group_correlation, chosen.reseeded, plan)
    count = ablation.trainings(past, settings)
    with counting("leaving out each feature", "trainings", count, count) as advance:
        without = ablation.ablate(past, future, recipe, settings, advance)
    together, months = past.joined(future), [str(month) for month in np.unique(future.period)]
    count = len(staleness.trainings(together, chosen.first_months))
    with counting("training through each earlier month", "trainings", count, count) as advance:
        stale = staleness.curve(together, months, chosen.first_months, recipe, plan, advance)
    with replacing(paths.study) as folder:
        folder.mkdir()
        found = {"judged": judged, "train": recipe.settings, "ablation": without, "staleness": stale}
        write_json(folder / "study.json", rounded(found))


if __name__ == "__main__":
    stage.run(study)
