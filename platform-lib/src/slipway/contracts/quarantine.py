"""Splitting a table by a pandera contract: the rows that keep it, and those that do not, with reasons."""

from __future__ import annotations

from dataclasses import dataclass

import pandera.polars as pa
import polars as pl

REASONS = "reasons"


@dataclass(frozen=True)
class Inspection:
    """A table after its contract was applied.

    Attributes:
        valid: the rows that keep the contract, in their old order.
        quarantine: the others, with one more column ``reasons`` (list of strings, "column: rule").
        table_faults: breaches that concern the whole table (a missing column, a wrong type); with any of
            them no row is valid.
    """

    valid: pl.DataFrame
    quarantine: pl.DataFrame
    table_faults: list[str]

    @property
    def rows(self) -> int:
        return self.valid.height + self.quarantine.height

    def reason_counts(self) -> dict[str, int]:
        """Rows per reason, most frequent first."""
        counts = self.quarantine[REASONS].explode().drop_nulls().value_counts(sort=True)
        return dict(counts.iter_rows())


def inspect(frame: pl.DataFrame, contract: pa.DataFrameSchema) -> Inspection:
    """Apply ``contract`` to every row of ``frame``, never stopping at the first breach."""
    try:
        contract.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        return _split(frame, _reasons(errors.failure_cases))
    return Inspection(frame, frame.clear().with_columns(pl.lit(None, pl.List(pl.String)).alias(REASONS)), [])


def _reasons(cases: pl.DataFrame) -> pl.DataFrame:
    reason = pl.concat_str([pl.col("column").fill_null("row"), pl.col("check")], separator=": ")
    return cases.select(pl.col("index").cast(pl.Int64), reason.alias("reason")).unique()


def _split(frame: pl.DataFrame, cases: pl.DataFrame) -> Inspection:
    table_faults = cases.filter(pl.col("index").is_null())["reason"].sort().to_list()
    per_row = (
        cases.drop_nulls("index")
        .sort("index", "reason")
        .group_by("index", maintain_order=True)
        .agg(pl.col("reason").alias(REASONS))
    )
    numbered = frame.with_row_index("index").with_columns(pl.col("index").cast(pl.Int64))
    marked = numbered.join(per_row, on="index", how="left", maintain_order="left").drop("index")
    if table_faults:
        reasons = pl.col(REASONS).fill_null(pl.lit([], pl.List(pl.String)))
        everything = marked.with_columns(reasons.list.concat(pl.lit(table_faults, pl.List(pl.String))))
        return Inspection(frame.clear(), everything, table_faults)
    broken = pl.col(REASONS).is_not_null()
    return Inspection(marked.filter(~broken).drop(REASONS), marked.filter(broken), [])
