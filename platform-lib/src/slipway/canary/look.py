"""One look at a roll-out: what both releases answered, how the challenger runs, and what its shadow said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from slipway.adapters.kube import Cluster
from slipway.canary import readiness
from slipway.canary.observation import Observation, Readiness, Rollout, Shadowed
from slipway.canary.sighting import Sight
from slipway.rendering.canary import Canary

# Compares the pairs of a roll-out's shadow up to a moment; None where nobody can tell.
Shadow = Callable[[Rollout, Canary, datetime], Shadowed | None]


def no_shadow(rollout: Rollout, settings: Canary, now: datetime) -> Shadowed | None:
    """Nobody compares pairs, so that a roll-out whose canary.yaml asks for a shadow waits."""
    return None


@dataclass(frozen=True)
class Lookout:
    """Who is asked."""

    sight: Sight
    cluster: Cluster
    shadow: Shadow = no_shadow

    def look(self, rollout: Rollout, settings: Canary, now: datetime) -> Observation:
        """What is known of a roll-out at ``now``.

        Raises:
            KubeFault: when Kubernetes cannot be asked; nothing is decided then.
        """
        ready = readiness.look(self.cluster, rollout.environment, rollout.model, rollout.challenger)
        traffic = self.sight.look(rollout, settings, now)
        shadowed = self.shadow(rollout, settings, now) if settings.shadow is not None else None
        return Observation(now, traffic.blocks, ready, traffic.gap, shadowed, self._champion(rollout))

    def _champion(self, rollout: Rollout) -> Readiness | None:
        held = rollout.record.champion
        if held is None or not rollout.reverted:
            return None
        return readiness.look(self.cluster, rollout.environment, rollout.model, held)
