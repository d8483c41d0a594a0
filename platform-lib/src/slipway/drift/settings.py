"""The parameters of the drift stage, and reading them without pydantic, which environments/drift cannot have."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, TypeVar, get_type_hints

from annotated_types import Ge, Gt, Interval, Le, Lt

from slipway.errors import UsageError

Block = TypeVar("Block")

_BOUNDS = {"gt": (operator.gt, ">"), "ge": (operator.ge, ">="), "lt": (operator.lt, "<"), "le": (operator.le, "<=")}


@dataclasses.dataclass(frozen=True)
class Settings:
    """params.yaml, ``check_drift``.

    Attributes:
        judged_weeks: how many of the newest whole weeks the verdict is about.
        reference_weeks: how many weeks each week is compared with.
        material_effect: an effect (0..1) below this never counts.
        family_alarm_rate: how often a week without drift may alarm.
        fewest_null_weeks: a season-matched reference is used once so many training weeks have one.
        power_every: shifts are injected into every so many weeks that are not judged.
        compared_rows: values of a numeric column that one test takes at most.
        sample_rows: rows of the training view that go into the release.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    judged_weeks: Annotated[int, Interval(ge=1, le=12)]
    reference_weeks: Annotated[int, Interval(ge=2, le=26)]
    material_effect: Annotated[float, Interval(gt=0, lt=0.25)]
    family_alarm_rate: Annotated[float, Interval(gt=0, le=0.05)]
    fewest_null_weeks: Annotated[int, Ge(12)]
    power_every: Annotated[int, Ge(1)]
    compared_rows: Annotated[int, Ge(500)]
    sample_rows: Annotated[int, Interval(ge=1000, le=20000)]


def read(block: type[Block], values: Mapping[str, Any], where: str) -> Block:
    """``values`` as the dataclass ``block``; a key or value it does not allow is a UsageError that names it."""
    hints = get_type_hints(block, include_extras=True)
    if not isinstance(values, Mapping):
        raise UsageError(f"params.yaml is not valid: {where} is {values!r}, not a block.", "Mend it and run again.")
    allowed = [field.name for field in dataclasses.fields(block)]  # type: ignore[arg-type]
    complaints = [f"{where}.{key} is not a known key" for key in values if key not in allowed]
    complaints += [f"{where}.{key} is missing" for key in allowed if key not in values]
    for key in allowed:
        if key in values:
            complaints += [f"{where}.{key} {fault}" for fault in _faults(values[key], hints[key])]
    if complaints:
        raise UsageError(f"params.yaml is not valid: {'; '.join(complaints)}.", f"Allowed are {', '.join(allowed)}.")
    return block(**values)


def _faults(value: Any, hint: Any) -> list[str]:
    kind, marks = hint.__origin__, hint.__metadata__
    accepted = (int, float) if kind is float else (kind,)
    if isinstance(value, bool) or not isinstance(value, accepted):
        return [f"is {value!r}, not a {kind.__name__}"]
    return [
        f"is {value!r}, not {sign} {bound}"
        for mark in marks
        for name, (holds, sign) in _BOUNDS.items()
        if isinstance(mark, Ge | Gt | Le | Lt | Interval)
        and (bound := getattr(mark, name, None)) is not None
        and not holds(value, bound)
    ]
