"""The search: Optuna's tree-structured Parzen estimator over the folds, with the parameters in use as its first trial.

Every finished trial is kept in a sqlite file, so that a search that was stopped goes on where it was; the study's name
follows from the rows, the folds, the space and the fixed parameters, so that another question is another study. Equal
inputs give equal trials, unless the search was stopped in between: the sampler then begins anew with another seed.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from slipway.evaluation.metrics import Floats, row_log_loss
from slipway.evaluation.resampling import Resampling, difference
from slipway.evaluation.retraining import Recipe, Rows, side_by_side
from slipway.files import canonical_json
from slipway.tuning import record, space
from slipway.tuning.folds import Fold

_LOSSES = "log_loss_by_fold"


@dataclass(frozen=True)
class Search:
    """What is searched.

    Attributes:
        rows: the training months.
        folds: to judge each trial on.
        held_out: the fold after them, on which the best trial and the parameters in use are compared at the end.
        fit: the model's own training.
        train: its parameters in use; those outside the space stay as they are.
        seed: of the sampler.
        reseeded: with how many seeds the best trial and the parameters in use are compared at the end.
        plan: how the interval of that comparison is made.
    """

    rows: Rows
    folds: Sequence[Fold]
    held_out: Fold
    fit: Callable[..., Any]
    train: dict[str, Any]
    seed: int
    reseeded: int
    plan: Resampling

    @property
    def name(self) -> str:
        """The study's name: equal for equal questions."""
        rows = [hashlib.sha256(np.ascontiguousarray(part).tobytes()).hexdigest() for part in vars(self.rows).values()]
        question = {"rows": rows, "folds": [vars(fold) for fold in self.folds], "seed": self.seed}
        question |= {"space": space.as_json(), "train": self.train}
        return hashlib.sha256(canonical_json(question)).hexdigest()


def search(asked: Search, trials: int, storage: Path, advance: Callable[[int], None]) -> optuna.Study:
    """Finish as many trials as there are still to do in ``storage`` (a sqlite file); tell ``advance`` of each."""
    study = open_study(asked, storage)
    study.sampler = _sampler(asked.seed + finished(study))
    study.enqueue_trial(space.in_use(asked.train), skip_if_exists=True)

    def objective(trial: optuna.Trial) -> float:
        losses = fold_losses(asked, space.suggest(trial))
        trial.set_user_attr(_LOSSES, losses)
        return float(np.mean(losses))

    study.optimize(objective, trials - finished(study), callbacks=[lambda *_: advance(1)])
    return study


def open_study(asked: Search, storage: Path) -> optuna.Study:
    """The study of this question, begun if it is new."""
    # Optuna's own log has an address on every line of it; progress is told by the caller.
    optuna.logging.set_verbosity(logging.WARNING)
    storage.parent.mkdir(parents=True, exist_ok=True)
    return optuna.create_study(
        storage=f"sqlite:///{storage}", study_name=asked.name, load_if_exists=True, sampler=_sampler(asked.seed)
    )


def finished(study: optuna.Study) -> int:
    """How many trials came to their end; those of a search that was killed did not."""
    return len(_finished(study))


def conclude(asked: Search, study: optuna.Study) -> dict[str, Any]:
    """What tuning.json says of the trials: all of them, the best, and the parameters in use against the best.

    The best of many is partly lucky on the folds that it was chosen by, so the two are compared on a month that the
    search has not seen, each trained with several seeds.
    """
    done = _finished(study)
    best = min(done, key=lambda trial: (trial.value, trial.number))
    used = space.in_use(asked.train)
    judged = asked.held_out.split(asked.rows)[1].sample
    best_score, used_score = (_held_out_scores(asked, params) for params in (best.params, used))
    above = difference(judged, best_score, used_score, asked.plan, ["log_loss"])["log_loss"]
    return {
        "seed": asked.seed,
        "reseeded": asked.reseeded,
        "space": space.as_json(),
        "fixed": {name: value for name, value in asked.train.items() if name not in used and name != "num_threads"},
        "folds": [_fold(asked, fold) for fold in asked.folds],
        "held_out": _fold(asked, asked.held_out),
        "trials": [record.trial(trial.number, trial.params, trial.user_attrs[_LOSSES]) for trial in done],
        "best": record.trial(best.number, best.params, best.user_attrs[_LOSSES]),
        "in_use": {"params": used, "above_best": above.as_dict()},
    }


def fold_losses(asked: Search, params: dict[str, Any]) -> list[float]:
    """Log loss of ``params`` on each fold."""
    parts = [fold.split(asked.rows) for fold in asked.folds]
    recipe = Recipe(asked.fit, asked.train | params)
    jobs = [partial(_fold_score, recipe, past, judged, 0) for past, judged in parts]
    scores = side_by_side(jobs, lambda _: None)
    return [float(row_log_loss(part.label, score).mean()) for (_, part), score in zip(parts, scores, strict=True)]


def _held_out_scores(asked: Search, params: dict[str, Any]) -> Floats:
    """Scores of the held-out month by ``params``, averaged over seeds."""
    past, judged = asked.held_out.split(asked.rows)
    recipe = Recipe(asked.fit, asked.train | params)
    jobs = [partial(_fold_score, recipe, past, judged, reseed) for reseed in range(asked.reseeded)]
    return np.asarray(np.mean(side_by_side(jobs, lambda _: None), axis=0))


def _fold(asked: Search, fold: Fold) -> dict[str, Any]:
    return vars(fold) | {"rows": int((asked.rows.period == fold.judged).sum())}


def _fold_score(recipe: Recipe, past: Rows, judged: Rows, reseed: int) -> Floats:
    return recipe(past.features, past.label, reseed)(judged.features)


def _finished(study: optuna.Study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def _sampler(seed: int) -> optuna.samplers.TPESampler:
    return optuna.samplers.TPESampler(seed=seed)
