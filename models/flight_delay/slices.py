"""The groups of flights that must each be served well."""

from __future__ import annotations

import polars as pl

NAMES = ("carrier", "origin", "departure_hour")


def slices(raw: pl.DataFrame) -> pl.DataFrame:
    """One string column per slicing, aligned with the rows of ``raw``."""
    return raw.select("carrier", "origin", (pl.col("sched_dep_time") // 100).cast(pl.String).alias("departure_hour"))
