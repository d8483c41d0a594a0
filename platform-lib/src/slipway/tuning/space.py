"""Which of LightGBM's parameters are searched, and between which bounds; the others stay as params.yaml has them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from optuna import Trial

from slipway.errors import UsageError


@dataclass(frozen=True)
class Bounds:
    """A parameter's bounds, both included; ``log`` if its order of magnitude matters more than its difference."""

    low: float
    high: float
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether the parameter is a whole number."""
        return isinstance(self.low, int)


SPACE = {
    "num_trees": Bounds(50, 400, log=True),
    "num_leaves": Bounds(7, 127, log=True),
    "learning_rate": Bounds(0.02, 0.3, log=True),
    "min_data_in_leaf": Bounds(20, 2000, log=True),
    "feature_fraction": Bounds(0.2, 1.0),
    "bagging_fraction": Bounds(0.4, 1.0),
    "lambda_l2": Bounds(0.1, 100.0, log=True),
    "cat_smooth": Bounds(1.0, 200.0, log=True),
    "max_cat_threshold": Bounds(4, 64, log=True),
}


def suggest(trial: Trial) -> dict[str, Any]:
    """The parameters that ``trial`` is to try."""
    found: dict[str, Any] = {}
    for name, bounds in SPACE.items():
        if bounds.whole:
            found[name] = trial.suggest_int(name, int(bounds.low), int(bounds.high), log=bounds.log)
        else:
            found[name] = trial.suggest_float(name, bounds.low, bounds.high, log=bounds.log)
    return found


def in_use(train: dict[str, Any]) -> dict[str, Any]:
    """The searched parameters as ``train`` of params.yaml has them.

    Raises:
        UsageError: when one lies outside its bounds, so that the search could not have found it.
    """
    outside = [name for name, bounds in SPACE.items() if not bounds.low <= train[name] <= bounds.high]
    if outside:
        known = ", ".join(f"{name} {SPACE[name].low:g} to {SPACE[name].high:g}" for name in outside)
        raise UsageError(
            f"params.yaml has {', '.join(f'{name} {train[name]}' for name in outside)}, outside what is searched "
            f"({known}).",
            "Widen the bounds in slipway/tuning/space.py, or mend params.yaml.",
        )
    return {name: train[name] for name in SPACE}


def as_json() -> dict[str, dict[str, Any]]:
    """The bounds, JSON-ready."""
    return {name: asdict(bounds) for name, bounds in SPACE.items()}
