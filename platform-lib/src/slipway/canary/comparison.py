"""Challenger against champion: errors, latency and scores, each as often as one likes to look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slipway.canary.observation import Block
from slipway.rendering.canary import Canary


@dataclass(frozen=True)
class Finding:
    """How one aspect stands so far.

    Attributes:
        aspect: "errors", "latency", "scores" or "shadow".
        e_value: the largest that the evidence against the challenger has been.
        threshold: at which it counts as worse.
        champion, challenger: the figures that are compared, as shares, in the cut where they differ most.
        said: the same in a sentence, with requests and margin.
    """

    aspect: str
    e_value: float
    threshold: float
    champion: float
    challenger: float
    said: str

    @property
    def worse(self) -> bool:
        """Whether the challenger is worse, beyond its margin."""
        return self.e_value >= self.threshold


def compare(blocks: Sequence[Block], settings: Canary) -> tuple[Finding, ...]:
    """Compare what both answered since the challenger began; an aspect, a finding."""
    raise NotImplementedError
