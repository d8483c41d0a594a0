"""The two views of raw columns that a transform can be run on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import polars as pl

Values: TypeAlias = Any  # float for a Row, float64 array of shape (rows,) for a Table
NAN = float("nan")


class Columns(Protocol):
    """Raw columns as a transform sees them."""

    def number(self, name: str) -> Values:
        """The column as float64; a missing value is NaN."""

    def code(self, name: str, vocabulary: Mapping[str, int]) -> Values:
        """The column's category as its number in ``vocabulary``; missing or unknown is NaN."""

    def where(self, condition: Values, then: Values, otherwise: Values) -> Values:
        """``then`` where ``condition`` holds, else ``otherwise`` (also where a NaN was compared)."""


class Row:
    """One request: field names to Python values, ``None`` for a missing one."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def number(self, name: str) -> Values:
        value = self._fields[name]
        return NAN if value is None else value

    def code(self, name: str, vocabulary: Mapping[str, int]) -> Values:
        return vocabulary.get(self._fields[name], NAN)

    def where(self, condition: Values, then: Values, otherwise: Values) -> Values:
        return then if condition else otherwise


class Table:
    """Many rows: a polars frame with the same column names as a request."""

    __slots__ = ("_frame",)

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def number(self, name: str) -> Values:
        import polars as pl  # whoever made the frame has it; verifying a release must not wait for it

        return self._frame[name].cast(pl.Float64).to_numpy()  # null becomes NaN

    def code(self, name: str, vocabulary: Mapping[str, int]) -> Values:
        import polars as pl

        # An Enum of the vocabulary looks up faster than replace_strict does, and nothing else is needed of it.
        known = self._frame[name].cast(pl.Enum(list(vocabulary)), strict=False).to_physical()
        places = known.cast(pl.Float64).to_numpy()
        numbers = np.array([*vocabulary.values(), NAN])
        return numbers[np.where(np.isnan(places), len(vocabulary), places).astype(np.intp)]

    def where(self, condition: Values, then: Values, otherwise: Values) -> Values:
        return np.where(condition, then, otherwise)
