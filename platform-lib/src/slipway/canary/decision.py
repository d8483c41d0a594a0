"""What follows from a look at a roll-out: wait, hold, advance, promote or roll back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from slipway.canary.comparison import Finding
from slipway.canary.observation import Observation, Rollout
from slipway.rendering.canary import Canary


class Action(StrEnum):
    """What is done about a roll-out."""

    WAIT = "wait"
    HOLD = "hold"
    ADVANCE = "advance"
    PROMOTE = "promote"
    ROLL_BACK = "roll back"


@dataclass(frozen=True)
class Decision:
    """An action, the weight that the challenger has after it, the reason in a sentence, and what was found."""

    action: Action
    weight: int
    reason: str
    findings: tuple[Finding, ...]


def decide(rollout: Rollout, settings: Canary, seen: Observation) -> Decision:
    """Decide about one roll-out on one look; equal arguments, equal decision."""
    raise NotImplementedError
