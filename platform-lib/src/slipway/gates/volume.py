"""Gate ``volume``: every partition holds about as many rows, on as many days, as history says it should."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar

import polars as pl
from annotated_types import Ge, Interval

from slipway.gates.verdict import Verdict


@dataclass(frozen=True)
class Thresholds:
    """Bounds for a partition's rows per calendar day, and for each of its days.

    Attributes:
        min_rows_to_median, max_rows_to_median: rows per calendar day of a partition, as a ratio of the median
            partition's.
        min_day_to_median: a day with fewer rows than this ratio of its partition's median day counts as missing.
        max_missing_days: how many days of a partition may be missing.
        min_labelled_share: share of a partition's rows that must have a label.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    min_rows_to_median: Annotated[float, Interval(gt=0, le=1)]
    max_rows_to_median: Annotated[float, Ge(1)]
    max_missing_days: Annotated[int, Ge(0)]
    min_day_to_median: Annotated[float, Interval(gt=0, le=1)]
    min_labelled_share: Annotated[float, Interval(gt=0, le=1)]


def judge(rows: pl.DataFrame, thresholds: Thresholds) -> Verdict:
    """Judge the row counts.

    Args:
        rows: one row per partition and day that it should hold: period (String), day (Date), rows (Int64, 0 for
            a day without any), labelled (Int64, those of them that have a label).
        thresholds: see :class:`Thresholds`.
    """
    months = _months(rows, thresholds)
    typical = float(months["per_day"].median() or 0)  # type: ignore[arg-type]
    ratio = pl.col("per_day") / typical if typical else pl.lit(0.0)
    months = months.with_columns(ratio.alias("ratio")).sort("period")
    complaints = [line for month in months.iter_rows(named=True) for line in _complaints(month, thresholds)]
    return Verdict(
        gate="volume",
        passed=not complaints,
        reason=" ".join(complaints)
        or f"All {months.height} months hold {_span(months)} of the median month's rows per day, with no day missing.",
        figures={
            "rows": int(rows["rows"].sum()),
            "ratio_to_median": dict(months.select("period", "ratio").iter_rows()),
            "labelled_share": dict(months.select("period", "labelled_share").iter_rows()),
            "missing_days": dict(months.filter(pl.col("missing") > 0).select("period", "missing").iter_rows()),
        },
        thresholds=asdict(thresholds),
    )


def _months(rows: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
    thin = pl.col("rows") <= thresholds.min_day_to_median * pl.col("rows").median().over("period")
    return (
        rows.with_columns((thin | (pl.col("rows") == 0)).alias("thin"))
        .group_by("period")
        .agg(
            pl.col("rows").mean().alias("per_day"),
            pl.col("thin").sum().alias("missing"),
            (pl.col("labelled").sum() / pl.col("rows").sum()).fill_nan(0.0).alias("labelled_share"),
            pl.col("day").filter(pl.col("rows") > 0).max().alias("newest"),
        )
    )


def _complaints(month: dict[str, object], thresholds: Thresholds) -> list[str]:
    found = []
    ratio, missing = float(month["ratio"]), int(month["missing"])  # type: ignore[arg-type,call-overload]
    if not thresholds.min_rows_to_median <= ratio <= thresholds.max_rows_to_median:
        found.append(
            f"{month['period']} holds {ratio:.0%} of the median month's rows per day; "
            f"{thresholds.min_rows_to_median:.0%} to {thresholds.max_rows_to_median:.0%} is allowed."
        )
    if missing > thresholds.max_missing_days:
        found.append(
            f"{month['period']} lacks {missing} of its days (its newest is {month['newest']}); "
            f"{thresholds.max_missing_days} may be missing."
        )
    if float(month["labelled_share"]) < thresholds.min_labelled_share:  # type: ignore[arg-type]
        found.append(
            f"Only {month['labelled_share']:.0%} of the rows of {month['period']} have a label; "
            f"{thresholds.min_labelled_share:.0%} must."
        )
    return found


def _span(months: pl.DataFrame) -> str:
    ratios = months["ratio"].to_list()
    return f"{min(ratios):.0%} to {max(ratios):.0%}"
