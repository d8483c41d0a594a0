"""The verdict: what every gate returns, and how it is written down."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SIGNIFICANT_DIGITS = 6


@dataclass(frozen=True)
class Verdict:
    """The outcome of one gate.

    Attributes:
        gate: the gate's name.
        passed: false if the gate is red.
        reason: one sentence that a person can act on; it must not quote anything in ``observed``.
        figures: what was measured; equal inputs give equal figures, on any machine.
        thresholds: what the figures were held against.
        observed: measurements that differ from run to run (seconds); they stay out of the evidence, so that
            equal inputs give an equal release.
    """

    gate: str
    passed: bool
    reason: str
    figures: Mapping[str, Any]
    thresholds: Mapping[str, Any]
    observed: Mapping[str, Any] = field(default_factory=dict)

    def as_evidence(self) -> dict[str, Any]:
        """JSON-ready, without ``observed`` and with figures rounded to 6 significant digits."""
        kept = asdict(self)
        del kept["observed"]
        return {key: rounded(value) for key, value in kept.items()}


def rounded(value: Any) -> Any:
    """``value`` with every float in it at 6 significant digits, and null for one that is not finite.

    JSON has no NaN. The last bits of a sum depend on the processor's vector width; evidence must not.
    """
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        return float(f"{value:.{SIGNIFICANT_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): rounded(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(entry) for entry in value]
    return value
