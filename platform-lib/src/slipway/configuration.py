"""Reading params.yaml: typed, complete, and refusing what it does not know by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import yaml
from annotated_types import Gt, Interval
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from slipway.drift.settings import Settings
from slipway.errors import EnvironmentFault, UsageError
from slipway.gates import baseline, budget, calibration, challenger, contract, drift, leakage, slices, volume

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


class ModelParams(Strict):
    """One model's block."""

    ingest: Ingest
    split: Split
    check_drift: Settings
    train: Train
    evaluate: Evaluate
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
    try:
        content = yaml.safe_load(file.read_text())
    except FileNotFoundError as error:
        raise EnvironmentFault(f"{file} is missing.", "Restore it: `git checkout params.yaml`.") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{file} is not valid YAML: {error}.", "Mend that line.") from error
    try:
        # As JSON, because strict validation of Python values would refuse a mapping for a block.
        params = Params.model_validate_json(json.dumps(content))
    except ValidationError as error:
        raise UsageError(f"{file} is not valid: {_complaints(error)}", "Mend these keys and run again.") from error
    if model not in params.models:
        raise UsageError(
            f"{file} has no block models.{model}.", f"It knows {', '.join(params.models)}; copy one of these blocks."
        )
    return params.models[model]


def _complaints(error: ValidationError) -> str:
    return "; ".join(_complaint(dict(entry)) for entry in error.errors(include_url=False)) + "."


def _complaint(entry: dict[str, Any]) -> str:
    key = ".".join(str(part) for part in entry["loc"])
    if entry["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{key} is not a known key{_known_beside(entry['loc'])}"
    if entry["type"] == "missing":
        return f"{key} is missing"
    return f"{key} is {entry['input']!r}: {entry['msg'][0].lower()}{entry['msg'][1:]}"


def _known_beside(location: tuple[Any, ...]) -> str:
    block: Any = ModelParams
    for part in location[2:-1]:
        fields = getattr(block, "model_fields", {})
        block = fields[part].annotation if part in fields else None
    known = getattr(block, "model_fields", None) or getattr(block, "__dataclass_fields__", {})
    return f" (allowed: {', '.join(known)})" if known else ""
