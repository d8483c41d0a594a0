"""Deriving a request signature from a pandera contract."""

from __future__ import annotations

from typing import Any

import pandera.polars as pa
import polars as pl

from slipway.contracts.marks import marked
from slipway.contracts.signature import Field

_KINDS = {pl.Int64: "integer", pl.Float64: "number", pl.String: "string"}


def derive(contract: pa.DataFrameSchema) -> list[Field]:
    """Fields of all columns marked ``request`` in ``contract``, in its order.

    Raises:
        ValueError: for a column type or a check that a request signature cannot express.
    """
    return [_field(name, contract.columns[name]) for name in marked(contract, request=True)]


def _field(name: str, column: pa.Column) -> Field:
    kind = next((kind for dtype, kind in _KINDS.items() if column.dtype.type == dtype), None)
    if kind is None:
        raise ValueError(f"column {name}: a request field is Int64, Float64 or String, not {column.dtype}")
    rules: dict[str, Any] = {}
    for check in column.checks:
        rules.update(_rule(name, check))
    marks = column.metadata or {}
    told = {key: marks[key] for key in ("unit", "about", "logged") if key in marks}
    return Field(name, kind, bool(column.nullable), **rules, **told)


def _rule(name: str, check: pa.Check) -> dict[str, Any]:
    facts = check.statistics or {}
    match check.name:
        case "in_range":
            return {"minimum": facts["min_value"], "maximum": facts["max_value"]}
        case "greater_than_or_equal_to":
            return {"minimum": facts["min_value"]}
        case "less_than_or_equal_to":
            return {"maximum": facts["max_value"]}
        case "isin":
            return {"allowed": tuple(sorted(facts["allowed_values"]))}
        case "str_matches":
            pattern = facts["pattern"]
            return {"pattern": getattr(pattern, "pattern", pattern)}
        case "multiple_of":
            return {"multiple_of": facts["quantum"]}
    raise ValueError(f"column {name}: check {check.name!r} has no counterpart in a request signature")
