"""Marks that a contract puts on a column, kept in pandera's column metadata."""

from __future__ import annotations

from typing import Any

import pandera.polars as pa


def mark(
    *, known: str = "before", personal: bool = False, request: bool = False, unit: str = "", about: str = ""
) -> dict[str, Any]:
    """Metadata of a column.

    Args:
        known: "before" if the value exists at prediction time, "after" if only the outcome reveals it.
        personal: true if it relates to a person or can be traced to one; it never reaches features or logs.
        request: true if a prediction request carries it.
        unit: physical unit, for people.
        about: what it is, for people.
    """
    if known not in ("before", "after"):
        raise ValueError(f"known is 'before' or 'after', not {known!r}")
    if request and (known == "after" or personal):
        raise ValueError("a request can carry neither an outcome nor personal data")
    return {"known": known, "personal": personal, "request": request, "unit": unit, "about": about}


def marked(schema: pa.DataFrameSchema, **wanted: Any) -> list[str]:
    """Names of the schema's columns whose marks equal all of ``wanted``, in schema order."""
    return [
        name
        for name, column in schema.columns.items()
        if all((column.metadata or {}).get(key) == value for key, value in wanted.items())
    ]
