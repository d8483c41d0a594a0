"""How far an input must move before the decision does: bounded noise, and an attack that looks for the shortest way.

Both keep to values that occur: what they would set is brought to the nearest value that the field or feature has in the
data. So they stay within the contract, an instrument's steps included; a rain gauge that reads 0.00 or 0.01 inches is
never given the 0.0001 at which a tree happens to split.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from slipway.contracts.signature import Field
from slipway.evaluation.metrics import Floats

Decisions = NDArray[np.bool_]
Decide = Callable[[Floats], Decisions]
"""Features of shape (rows, width) to decisions of shape (rows,)."""

_EVALUATIONS = 50
_POOL_ROWS = 2000
_HALVINGS = 12


class Observed:
    """The values that occur in a column; NaN for a missing one is not among them."""

    def __init__(self, values: Floats) -> None:
        self._values = np.unique(values[np.isfinite(values)])
        self._middles = (self._values[1:] + self._values[:-1]) / 2
        self.spread = float(np.nanstd(values)) if len(self._values) > 1 else 0.0

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest."""
        return float(self._values[0]), float(self._values[-1])

    def nearest(self, wanted: Floats) -> Floats:
        """The nearest of them to each of ``wanted``; NaN stays NaN."""
        known = np.isfinite(wanted)
        found = np.full(wanted.shape, np.nan)
        found[known] = self._values[np.searchsorted(self._middles, wanted[known])]
        return found


@dataclass(frozen=True)
class Noising:
    """Noise on some rows: uniform, on each numeric field by at most ``share`` of its standard deviation.

    Attributes:
        rows: how many rows get noise, spread evenly over the data.
        share: e.g. 0.05.
        seed: equal seeds give equal noise, on any machine.
    """

    rows: int
    share: float
    seed: int


@dataclass(frozen=True)
class Noise:
    """The same rows without and with noise.

    Attributes:
        before, after: their scores, shape (rows,).
        changed: whether noise changed anything in the row, shape (rows,), boolean.
    """

    before: Floats
    after: Floats
    changed: Decisions


def noise(score: Callable[[pl.DataFrame], Floats], raw: pl.DataFrame, fields: Sequence[Field], plan: Noising) -> Noise:
    """Scores of some rows of ``raw`` without and with noise on the request's ``fields``."""
    rows = raw[_spread_evenly(raw.height, plan.rows)]
    shaken = noisy(rows, raw, fields, plan)
    names = [field.name for field in fields]
    changed = pl.select(pl.any_horizontal(rows[name].ne_missing(shaken[name]) for name in names)).to_series()
    return Noise(score(rows), score(shaken), changed.to_numpy())


def noisy(rows: pl.DataFrame, raw: pl.DataFrame, fields: Sequence[Field], plan: Noising) -> pl.DataFrame:
    """``rows`` with noise; categories and missing values stay as they are.

    Args:
        rows: raw rows.
        raw: the rows whose values occur, and whose standard deviations count.
        fields: of the request.
        plan: see :class:`Noising`.
    """
    draw = np.random.default_rng(plan.seed)
    changed = {}
    for field in (field for field in fields if field.kind != "string"):
        observed = Observed(_numbers(raw[field.name]))
        error = plan.share * observed.spread * (2 * draw.random(rows.height) - 1)
        if observed.spread:
            values = pl.Series(observed.nearest(_numbers(rows[field.name]) + error)).fill_nan(None)
            changed[field.name] = values.cast(rows[field.name].dtype)
    return rows.with_columns(**changed)


def _numbers(column: pl.Series) -> Floats:
    return column.cast(pl.Float64).to_numpy()


@dataclass(frozen=True)
class Attack:
    """HopSkipJump (Chen, Jordan and Wainwright, 2019) by adversarial-robustness-toolbox, on some rows.

    Attributes:
        rows: how many rows are attacked, spread evenly over the data.
        iterations: of the attack, per row.
        seed: of its random steps.
    """

    rows: int
    iterations: int
    seed: int


def distances(decide: Decide, features: pl.DataFrame, categorical: Sequence[str], plan: Attack) -> Floats:
    """How far each attacked row must move, at most, until the decision on it is another.

    Args:
        decide: the classifier, of which the attack sees nothing but decisions.
        features: float columns, NaN or null for a missing value.
        categorical: the columns that must not move; missing values do not either.
        plan: see :class:`Attack`.

    Returns:
        Euclidean distances in standard deviations of each feature, shape (rows,); NaN where no values that occur
        change the decision.
    """
    values = features.fill_null(np.nan).to_numpy().astype(np.float64)
    observed = [Observed(column) for column in values.T]
    movable = [
        number
        for number, name in enumerate(features.columns)
        if name not in categorical and observed[number].spread > 0
    ]
    pool = values[_spread_evenly(len(values), _POOL_ROWS)]
    elsewhere = decide(pool)
    found = []
    with _seeds_kept():
        for number, row in enumerate(values[_spread_evenly(len(values), plan.rows)]):
            moved = [at for at in movable if np.isfinite(row[at])]
            place = _Place(decide, row, np.array(moved, dtype=np.intp), [observed[at] for at in moved])
            np.random.seed(plan.seed + number)  # the toolbox draws from no other source
            found.append(_distance(place, pool[elsewhere != place.decision], plan.iterations))
    return np.array(found, dtype=np.float64)


def _spread_evenly(height: int, count: int) -> NDArray[np.intp]:
    return np.linspace(0, height - 1, min(count, height)).astype(np.intp)


@contextmanager
def _seeds_kept() -> Iterator[None]:
    before = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(before)


class _Place:
    """One row, and what is decided when it moves: steps are in standard deviations, of shape (steps, moved)."""

    def __init__(self, decide: Decide, row: Floats, moved: NDArray[np.intp], observed: list[Observed]) -> None:
        self._decide = decide
        self._row = row
        self._observed = observed
        self.moved = moved
        self.spread = np.array([column.spread for column in observed])
        ranges = np.array([column.range for column in observed]).reshape(-1, 2)
        self.bounds = tuple((ranges.T - row[moved]) / self.spread)
        self.decision = bool(decide(row[None])[0])

    def steps_to(self, rows: Floats) -> Floats:
        """The steps that lead to other rows; those that lack a value are left out. The nearest is first."""
        steps = (rows[:, self.moved] - self._row[self.moved]) / self.spread
        known = steps[np.isfinite(steps).all(axis=1)]
        nearest: Floats = known[np.argsort((known**2).sum(axis=1), kind="stable")].astype(np.float32)
        return nearest

    def arrival(self, steps: Floats) -> Floats:
        """Where steps end: at values that occur."""
        wanted = self._row[self.moved] + steps.astype(np.float64) * self.spread
        return np.stack([column.nearest(wanted[:, at]) for at, column in enumerate(self._observed)], axis=1)

    def taken(self, step: Floats) -> Floats:
        """The step that is really taken: to where it ends."""
        taken: Floats = (self.arrival(step[None])[0] - self._row[self.moved]) / self.spread
        return taken

    def crosses(self, steps: Floats) -> Decisions:
        """Whether the decision is another after each step. A step that is no number ends the attack."""
        rows = np.repeat(self._row[None], len(steps), axis=0)
        broken: Decisions = np.isfinite(steps).sum(axis=1) < steps.shape[1]
        rows[:, self.moved] = self.arrival(np.where(broken[:, None], 0.0, steps))
        crossed: Decisions = (self._decide(rows) != self.decision) | broken
        return crossed


def _distance(place: _Place, others: Floats, iterations: int) -> float:
    """From the nearest row that is decided otherwise, by the attack, to a step that cannot be shortened simply."""
    start = place.steps_to(others) if len(place.moved) else np.empty((0, 0))
    start = start[place.crosses(start)] if len(start) else start
    if not len(start):
        return float("nan")
    step = _attack(place, start[0], iterations)
    if not np.isfinite(step).all() or not place.crosses(step[None])[0]:
        step = start[0].astype(np.float64)
    return float(np.sqrt((_shortened(place, step) ** 2).sum()))


def _attack(place: _Place, start: Floats, iterations: int) -> Floats:
    hop_skip_jump, classifier = _toolbox()
    wrapped = classifier(
        lambda steps: np.eye(2, dtype=np.float32)[place.crosses(steps).astype(np.intp)],
        input_shape=start.shape, nb_classes=2, clip_values=place.bounds,
    )  # fmt: skip
    search = hop_skip_jump(wrapped, max_iter=iterations, init_eval=_EVALUATIONS, verbose=False)
    stay = np.zeros((1, len(start)), dtype=np.float32)
    # Without a start it would draw one from a source that cannot be seeded.
    found: Floats = search.generate(stay, x_adv_init=start[None].copy())[0].astype(np.float64)
    return found


def _shortened(place: _Place, step: Floats) -> Floats:
    """Back along the straight line while the decision stays crossed, then feature by feature, the smallest first.

    The attack ends off the boundary, and moves every feature a little; trees look at few of them.
    """
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if place.crosses(middle * step[None])[0] else (middle, high)
    step = place.taken(high * step)
    for at in np.argsort(np.abs(step), kind="stable"):
        without = step.copy()
        without[at] = 0.0
        if place.crosses(without[None])[0]:
            step = without
    return step


def _toolbox() -> tuple[Any, Any]:
    """Imported where it is used: it takes a second, and says that PyTorch is missing, which nothing here needs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from art.attacks.evasion import HopSkipJump
        from art.estimators.classification import BlackBoxClassifier
    return HopSkipJump, BlackBoxClassifier
