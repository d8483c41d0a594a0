"""Marks that a contract puts on a column, kept in pandera's column metadata."""

from __future__ import annotations

from typing import Any

import pandera.polars as pa

from slipway.contracts.signature import DROPPED, TOKENISED


def mark(
    *,
    known: str = "before",
    personal: bool = False,
    request: bool = False,
    logged: str | None = None,
    unit: str = "",
    about: str = "",
) -> dict[str, Any]:
    """Metadata of a column.

    Args:
        known: "before" if the value exists at prediction time, "after" if only the outcome reveals it.
        personal: true if it relates to a person or can be traced to one; it never reaches features, and logs only as
            ``logged`` says.
        request: true if a prediction request carries it.
        logged: how the request log keeps a personal field that a request carries, which must say it: "dropped" (not
            at all) or "tokenised" (as a keyed hash: equal values have equal tokens, and none leads back).
        unit: physical unit, for people.
        about: what it is, for people.
    """
    if known not in ("before", "after"):
        raise ValueError(f"known is 'before' or 'after', not {known!r}")
    if request and known == "after":
        raise ValueError("a request cannot carry an outcome")
    if request and personal and logged not in (DROPPED, TOKENISED):
        raise ValueError(f"a personal request field is logged {DROPPED!r} or {TOKENISED!r}, not {logged!r}")
    if logged is not None and not (request and personal):
        raise ValueError("only a personal request field says how it is logged")
    return {
        "known": known,
        "personal": personal,
        "request": request,
        "logged": logged,
        "unit": unit,
        "about": about,
    }


def marked(schema: pa.DataFrameSchema, **wanted: Any) -> list[str]:
    """Names of the schema's columns whose marks equal all of ``wanted``, in schema order."""
    return [
        name
        for name, column in schema.columns.items()
        if all((column.metadata or {}).get(key) == value for key, value in wanted.items())
    ]
