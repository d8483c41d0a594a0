"""A release's request rules, applied to whole columns.

:class:`slipway.contracts.request.RequestRules` says what the rules mean. Here numpy finds the rows that break one,
and RequestRules itself explains each value found, so a table and a request are refused by the same words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from slipway.contracts.request import Breach, RequestBroken, RequestRules
from slipway.contracts.signature import MULTIPLE_TOLERANCE, Field

_KINDS = {"integer": "integers", "number": "numbers", "string": "strings"}
_LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True)
class Checked:
    """A table after the rules were applied.

    Attributes:
        typed: the fields in the types that a release scores (Int64, Float64, String); shape (rows, fields).
        keeps: whether each row keeps the rules; shape (rows,).
        breaches: what the other rows break, in the order of rows and fields.
    """

    typed: pl.DataFrame
    keeps: NDArray[np.bool_]
    breaches: list[Breach]


class TableRules:
    """The rules of a signature for tables; columns that it does not name are not looked at.

    Attributes:
        names: the fields, in the order of the signature.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self.names = tuple(field.name for field in fields)
        self._columns = tuple(_Column(field) for field in fields)

    def faults(self, schema: Mapping[str, pl.DataType]) -> list[Breach]:
        """What no row of such a table could keep: a column is missing, or of a type that holds no such values."""
        found = []
        for column in self._columns:
            name, kind = column.field.name, column.field.kind
            if name not in schema:
                found.append(Breach(name, "required", None, "the column is missing"))
            elif not _holds(schema[name], kind):
                found.append(Breach(name, "type", None, f"the column holds {schema[name]}, not {_KINDS[kind]}"))
        return found

    def check(self, frame: pl.DataFrame) -> Checked:
        """Apply the rules to every row of a table without :meth:`faults`."""
        keeps = np.ones(frame.height, dtype=np.bool_)
        typed, breaches = [], []
        for column in self._columns:
            series, passes = column.check(frame[column.field.name])
            typed.append(series)
            if not passes.all():
                keeps &= passes
                breaches += column.explain(frame[column.field.name], np.flatnonzero(~passes))
        breaches.sort(key=lambda breach: breach.row or 0)
        return Checked(pl.DataFrame(typed), keeps, breaches)


class _Column:
    """The rules of one field."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self._rules = RequestRules([field])
        self._check = {"integer": self._integer, "number": self._number, "string": self._string}[field.kind]

    def check(self, series: pl.Series) -> tuple[pl.Series, NDArray[np.bool_]]:
        """The column in the field's own type, and which of its values keep the rules, of shape (rows,)."""
        typed, passes = self._check(series)
        if series.null_count():
            null = series.is_null().to_numpy()
            passes = passes | null if self.field.nullable else passes & ~null
        return typed, passes

    def explain(self, series: pl.Series, rows: NDArray[np.intp]) -> list[Breach]:
        """The rule that the value in each of ``rows`` breaks."""
        found = []
        for row, value in zip(rows.tolist(), series.gather(rows).to_list(), strict=True):
            breach = self._breach(value)
            if breach is None:
                raise RuntimeError(f"field {self.field.name!r}: table and request rules disagree about {value!r}")
            found.append(Breach(breach.field, breach.rule, row, breach.message))
        return found

    def _breach(self, value: Any) -> Breach | None:
        try:
            self._rules.row({self.field.name: value})
        except RequestBroken as broken:
            return broken.breaches[0]
        return None

    def _integer(self, series: pl.Series) -> tuple[pl.Series, NDArray[np.bool_]]:
        typed = series.cast(pl.Int64, strict=False)  # beyond 64 bits becomes null
        lost = typed.null_count() > 0
        values = (typed.fill_null(0) if lost else typed).to_numpy()
        passes = np.ones(len(values), dtype=np.bool_)
        # Bounds as integers: one above 2**53 has no equal among the floats.
        if self.field.minimum is not None:
            passes &= values >= math.ceil(self.field.minimum)
        if self.field.maximum is not None:
            passes &= values <= math.floor(self.field.maximum)
        if lost:
            passes &= typed.is_not_null().to_numpy()
        if series.dtype.is_float():
            exact = series.cast(pl.Float64).to_numpy()
            passes &= exact == np.trunc(exact)
        return typed, self._on_grid(values, passes)

    def _number(self, series: pl.Series) -> tuple[pl.Series, NDArray[np.bool_]]:
        whole = series if series.dtype.is_float() else series.cast(pl.Int64, strict=False)
        typed = whole.cast(pl.Float64)
        values = typed.to_numpy()  # null becomes NaN, which no comparison holds for
        low = -_LARGEST if self.field.minimum is None else self.field.minimum
        high = _LARGEST if self.field.maximum is None else self.field.maximum
        return typed, self._on_grid(values, (values >= low) & (values <= high))

    def _on_grid(self, values: NDArray[Any], passes: NDArray[np.bool_]) -> NDArray[np.bool_]:
        if self.field.multiple_of is None:
            return passes
        with np.errstate(invalid="ignore", over="ignore"):
            steps = values / self.field.multiple_of
            return passes & (np.abs(steps - np.rint(steps)) <= MULTIPLE_TOLERANCE)

    def _string(self, series: pl.Series) -> tuple[pl.Series, NDArray[np.bool_]]:
        typed = series.cast(pl.String)
        if self.field.allowed is None and self.field.pattern is None:
            return typed, np.ones(len(typed), dtype=np.bool_)
        # Python's regular expressions are the rule's; polars has others. Few strings are many rows.
        bad = [value for value in typed.unique().drop_nulls().to_list() if self._breach(value)]
        if not bad:
            return typed, np.ones(len(typed), dtype=np.bool_)
        return typed, ~typed.is_in(bad).fill_null(False).to_numpy()


def _holds(dtype: pl.DataType, kind: str) -> bool:
    if dtype == pl.Null:
        return True
    if kind == "string":
        return dtype in (pl.String, pl.Categorical, pl.Enum)
    return dtype.is_integer() or dtype.is_float()
