"""Checks that pandera does not bring along."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from slipway.contracts.signature import MULTIPLE_TOLERANCE


def multiple_of(quantum: float) -> pa.Check:
    """Each value is a whole multiple of ``quantum``, to within 1 % of it.

    Instruments report in steps. A column whose values fall between the steps of its own unit was converted
    to another one on the way, even where every value is still within range.
    """

    def on_grid(data: PolarsData) -> pl.LazyFrame:
        steps = pl.col(data.key) / quantum
        return data.lazyframe.select((steps - steps.round()).abs() <= MULTIPLE_TOLERANCE)

    return pa.Check(on_grid, name="multiple_of", statistics={"quantum": quantum}, error=f"multiple_of({quantum})")


def row_rule(name: str, rule: pl.Expr) -> pa.Check:
    """A rule over several columns of one row; a row in which it is null (a value is missing) passes."""
    return pa.Check(lambda data: data.lazyframe.select(rule.fill_null(True)), name=name, error=name)
