"""Retraining a model many times on rows that are at hand, to learn what it would be without this or that.

Each retraining runs in one thread of LightGBM, several of them side by side: that is quicker than one at a time in
several threads, and the answer does not depend on how many cores there are.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from slipway import project
from slipway.evaluation.metrics import Floats, Sample, sample

Predictor = Callable[[Floats], Floats]


class Learner(Protocol):
    """Fits a model and returns what predicts with it; thread-safe, and equal inputs give equal scores."""

    def __call__(self, features: Floats, label: Floats, reseed: int = 0) -> Predictor:
        """Fit on ``features`` of shape (rows, features); each ``reseed`` draws other random numbers, 0 the usual."""


class Recipe:
    """A model's own training, ``fit`` of its train.py, as a learner of one thread.

    Attributes:
        settings: LightGBM's parameters, by their own names.
    """

    def __init__(self, fit: Callable[..., Any], settings: Mapping[str, Any]) -> None:
        self._fit = fit
        self.settings = {**settings, "num_threads": 1}

    def __call__(self, features: Floats, label: Floats, reseed: int = 0) -> Predictor:
        """Fit with the seed of the settings and ``reseed`` added to it."""
        booster = self._fit(features, label, self.settings | {"seed": self.settings["seed"] + reseed})
        return lambda rows: np.asarray(booster.predict(rows, num_threads=1))


@dataclass(frozen=True)
class Rows:
    """Rows of a model's input.

    Attributes:
        features: shape (rows, features).
        label: shape (rows,), in {0, 1}.
        period: the month of each row ("2013-09").
        day: the day of each row, as any key.
    """

    features: Floats
    label: Floats
    period: NDArray[np.str_]
    day: NDArray[np.generic]

    @property
    def sample(self) -> Sample:
        """Labels and days, to measure scores by."""
        return sample(self.label, self.day)

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        """The rows that are ``chosen``, a mask of shape (rows,)."""
        return Rows(self.features[chosen], self.label[chosen], self.period[chosen], self.day[chosen])

    def joined(self, later: Rows) -> Rows:
        """These rows and then the ``later`` ones."""
        pairs = zip(vars(self).values(), vars(later).values(), strict=True)
        return Rows(*(np.concatenate(pair) for pair in pairs))


def read(model: str, side: str) -> Rows:
    """The rows that stage featurize wrote for ``model`` on ``side``, "train" or "evaluation"."""
    paths, label = project.paths(model), project.module(model, "contract").LABEL
    rows = pl.read_parquet(paths.features / f"{side}_rows.parquet")
    return Rows(
        pl.read_parquet(paths.features / f"{side}.parquet").to_numpy(),
        rows[label].to_numpy().astype(float),
        rows["period"].to_numpy().astype(str),
        rows["day"].to_numpy(),
    )


def side_by_side(jobs: Sequence[Callable[[], Floats]], advance: Callable[[int], None]) -> list[Floats]:
    """What each job returns, in their order; ``advance`` is told of each that is done."""

    def run(job: Callable[[], Floats]) -> Floats:
        scores = job()
        advance(1)
        return scores

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        return list(pool.map(run, jobs))
