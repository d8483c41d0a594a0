"""Reading params.yaml: typed, complete, and refusing what it does not know by name."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from annotated_types import Gt, Interval
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from slipway.drift.settings import Settings
from slipway.errors import UsageError
from slipway.files import read_yaml
from slipway.gates import (
    advisories,
    baseline,
    budget,
    calibration,
    challenger,
    contract,
    drift,
    leakage,
    policy,
    provenance,
    robustness,
    skew,
    slices,
    supply_chain,
    volume,
)

PARAMS = Path("params.yaml")
Month = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
Share = Annotated[float, Interval(gt=0, le=1)]
Count = Annotated[int, Gt(0)]


class Strict(BaseModel):
    """A block of params.yaml: unknown keys are errors, strings are not numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Ingest(Strict):
    """Months to ingest, inclusive."""

    first_month: Month
    last_month: Month


class Split(Strict):
    """Train on all months up to ``train_through``; judge on the next ``evaluate_months`` ones."""

    train_through: Month
    evaluate_months: Count


class Train(Strict):
    """LightGBM's parameters by their own names."""

    num_trees: Count
    num_leaves: Annotated[int, Interval(ge=2, le=4096)]
    learning_rate: Share
    min_data_in_leaf: Count
    feature_fraction: Share
    bagging_fraction: Share
    bagging_freq: Annotated[int, Interval(ge=0)]
    lambda_l2: Annotated[float, Interval(ge=0)]
    cat_smooth: Annotated[float, Interval(ge=0)]
    max_cat_threshold: Count
    seed: int
    num_threads: Count


class Evaluate(Strict):
    """How intervals are made."""

    resamples: Annotated[int, Interval(ge=100)]
    confidence: Annotated[float, Interval(gt=0.5, lt=1)]
    seed: int


class Study(Strict):
    """Retraining to learn what each feature brings and what age costs; see evaluation/ablation.py and staleness.py.

    Attributes:
        num_trees, learning_rate: fewer and larger steps than ``train``, whose other values hold.
        reseeded: how many other seeds show the noise of a training.
        group_correlation: absolute rank correlation from which features are judged together.
        first_months: the fewest months to train on for the staleness curve.
    """

    num_trees: Count
    learning_rate: Share
    reseeded: Count
    group_correlation: Share
    first_months: Count


class Gates(Strict):
    """The thresholds of each gate; each gate's own module says what they mean."""

    contract: contract.Thresholds
    volume: volume.Thresholds
    leakage: leakage.Thresholds
    drift: drift.Thresholds
    baseline: baseline.Thresholds
    challenger: challenger.Thresholds
    slices: slices.Thresholds
    calibration: calibration.Thresholds
    budget: budget.Thresholds
    skew: skew.Thresholds
    robustness: robustness.Thresholds
    supply_chain: supply_chain.Thresholds
    advisories: advisories.Thresholds
    provenance: provenance.Thresholds
    policy: policy.Thresholds


class ModelParams(Strict):
    """One model's block."""

    ingest: Ingest
    split: Split
    check_drift: Settings
    train: Train
    evaluate: Evaluate
    study: Study
    gates: Gates


class Params(Strict):
    """The whole of params.yaml."""

    models: dict[str, ModelParams]


def load(model: str, file: Path = PARAMS) -> ModelParams:
    """The parameters of ``model``.

    Raises:
        UsageError: naming each wrong key, its value and what is allowed.
        EnvironmentFault: when the file is missing.
    """
    content = read_yaml(file)
    complaints = list(_unfit(content))
    if complaints:
        raise _invalid(file, complaints)
    try:
        # As JSON, because strict validation of Python values would refuse a mapping for a block. Strict once more,
        # because a model's own strictness does not reach into the dataclasses of the gates.
        params = Params.model_validate_json(json.dumps(content), strict=True)
    except ValidationError as error:
        raise _invalid(file, [_complaint(dict(entry)) for entry in error.errors(include_url=False)]) from error
    if model not in params.models:
        raise UsageError(f"{file} has no block models.{model}.", f"It has {', '.join(params.models) or 'none at all'}.")
    return params.models[model]


def _invalid(file: Path, complaints: list[str]) -> UsageError:
    return UsageError(f"{file} is not valid: {'; '.join(complaints)}.", "Mend these keys and run again.")


def _unfit(value: Any, key: str = "") -> Iterator[str]:
    """Complain about what YAML can hold and a parameter cannot: dates, and numbers that are not finite."""
    if isinstance(value, dict):
        for name, entry in value.items():
            yield from _unfit(entry, f"{key}.{name}".lstrip("."))
            if not isinstance(name, str):
                yield f"{key}.{name}".lstrip(".") + " is not a known key: keys are words"
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _unfit(entry, f"{key}.{number}".lstrip("."))
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{key} is {value}: it must be a finite number"
    elif not isinstance(value, str | int | float | None):
        yield f'{key} is a {type(value).__name__} ({value}): a month is written in quotes, as in "2013-08"'


def _complaint(entry: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in entry["loc"]) or "the whole file"
    if entry["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{key} is not a known key{_known_beside(entry['loc'])}"
    if entry["type"] == "missing":
        return f"{key} is missing"
    return f"{key} is {entry['input']!r}: {entry['msg'][0].lower()}{entry['msg'][1:]}"


def _known_beside(location: tuple[Any, ...]) -> str:
    block: Any = ModelParams if len(location) > 1 else Params
    for part in location[2:-1]:
        fields = getattr(block, "model_fields", {})
        block = fields[part].annotation if part in fields else None
    if dataclasses.is_dataclass(block):
        known = [field.name for field in dataclasses.fields(block)]
    else:
        known = list(getattr(block, "model_fields", {}))
    return f" (allowed: {', '.join(known)})" if known else ""
