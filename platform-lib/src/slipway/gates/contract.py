"""Gate ``contract``: the share of rows that break the model's contract stays small."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from annotated_types import Interval

from slipway.gates.verdict import Verdict

if TYPE_CHECKING:
    from slipway.contracts.quarantine import Inspection


@dataclass(frozen=True)
class Thresholds:
    """The largest share of rows that may be quarantined."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    max_quarantined_share: Annotated[float, Interval(ge=0, lt=1)]


def judge(inspections: Mapping[str, Inspection], thresholds: Thresholds) -> Verdict:
    """Judge each partition (period to its inspection) by itself: one bad month must not drown in a good year."""
    if not inspections:
        return Verdict("contract", False, "There is no month to hold against the contract.", {}, asdict(thresholds))
    shares = {period: _share(inspection) for period, inspection in inspections.items()}
    worst = max(shares, key=lambda period: shares[period])
    over = [period for period, share in shares.items() if share > thresholds.max_quarantined_share]
    reasons = _reasons(inspections)
    return Verdict(
        gate="contract",
        passed=not over,
        reason=_sentence(over, worst, shares[worst], inspections, thresholds),
        figures={
            "rows": sum(inspection.rows for inspection in inspections.values()),
            "quarantined": sum(inspection.quarantine.height for inspection in inspections.values()),
            "worst_period": worst,
            "worst_share": shares[worst],
            "reasons": reasons,
        },
        thresholds=asdict(thresholds),
    )


def _share(inspection: Inspection) -> float:
    return 1.0 if inspection.table_faults or not inspection.rows else inspection.quarantine.height / inspection.rows


def _reasons(inspections: Mapping[str, Inspection]) -> dict[str, int]:
    total: dict[str, int] = {}
    for inspection in inspections.values():
        for reason, rows in inspection.reason_counts().items():
            total[reason] = total.get(reason, 0) + rows
    return dict(sorted(total.items(), key=lambda entry: (-entry[1], entry[0])))


def _sentence(
    over: list[str], worst: str, share: float, inspections: Mapping[str, Inspection], thresholds: Thresholds
) -> str:
    limit = f"{thresholds.max_quarantined_share:.2%}"
    if not over:
        return f"At most {share:.2%} of a month's rows break the contract ({worst}); up to {limit} may."
    counts: dict[str, Any] = inspections[worst].reason_counts()
    why = next(iter(counts), "there are no rows")
    return f"{share:.2%} of the rows of {worst} break the contract ({why}); up to {limit} may."
