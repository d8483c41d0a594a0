"""Gate ``budget``: the packaged model is small and quick enough to serve."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, ClassVar

from annotated_types import Gt

from slipway.gates.verdict import Verdict

_MIB = 1 << 20


@dataclass(frozen=True)
class Thresholds:
    """Upper bounds of each figure of :class:`Footprint`."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    max_model_mib: Annotated[float, Gt(0)]
    max_trees: Annotated[int, Gt(0)]
    max_single_row_ms: Annotated[float, Gt(0)]
    max_memory_mib: Annotated[float, Gt(0)]


@dataclass(frozen=True)
class Footprint:
    """What the packaged model takes.

    Attributes:
        model_bytes: size of the model file.
        trees: number of trees.
        single_row_ms: median milliseconds from a valid request to its score, in process.
        memory_mib: growth of the process's resident memory by loading the release and answering.
    """

    model_bytes: int
    trees: int
    single_row_ms: float
    memory_mib: float


def judge(footprint: Footprint, thresholds: Thresholds) -> Verdict:
    """Hold the footprint against its bounds; the machine-dependent figures stay in ``observed``."""
    size = footprint.model_bytes / _MIB
    # Written so that a figure that is no number is over its bound. A reason is evidence: it says a figure only where
    # every machine finds the same.
    over = {
        "model size": (
            not size <= thresholds.max_model_mib,
            f"model size of {size:.2f} MiB is over {thresholds.max_model_mib:g} MiB",
        ),
        "number of trees": (
            not footprint.trees <= thresholds.max_trees,
            f"number of {footprint.trees} trees is over {thresholds.max_trees}",
        ),
        "single-row latency": (
            not footprint.single_row_ms <= thresholds.max_single_row_ms,
            f"single-row latency is over {thresholds.max_single_row_ms:g} ms",
        ),
        "memory": (
            not footprint.memory_mib <= thresholds.max_memory_mib,
            f"memory is over {thresholds.max_memory_mib:g} MiB",
        ),
    }
    exceeded = {name: complaint for name, (exceeds, complaint) in over.items() if exceeds}
    within = f"{footprint.trees} trees in {size:.2f} MiB: size, trees, single-row latency and memory are within budget."
    return Verdict(
        gate="budget",
        passed=not exceeded,
        reason=f"Over budget: {', '.join(exceeded.values())}." if exceeded else within,
        figures={
            "model_bytes": footprint.model_bytes,
            "trees": footprint.trees,
            "exceeded": list(exceeded),
        },
        thresholds=asdict(thresholds),
        observed={"single_row_ms": footprint.single_row_ms, "memory_mib": footprint.memory_mib},
    )
