"""The pairs of a shadow, as the canary loop has told Prometheus of them: it alone reads the request log."""

from __future__ import annotations

import json

from slipway.adapters.prometheus import Prometheus
from slipway.canary.figures import DIFFERING, E_VALUE, PAIRS, label
from slipway.canary.observation import Rollout, Shadowed
from slipway.canary.shadow import found
from slipway.rendering.canary import Canary


def look(prometheus: Prometheus, rollout: Rollout, settings: Canary) -> Shadowed | None:
    """What the loop has compared, up to a scrape ago; ``settings`` must have a shadow.

    None where it has told nothing: it is away, has no request log, or has not looked yet.

    Raises:
        PrometheusFault: when Prometheus cannot be asked.
    """
    told: dict[str, float] = {}
    # At one moment, so that they fit together. Two loops may have told of it where the lead has just changed.
    for series in prometheus.now(_query(rollout)):
        name, value = series.labels["__name__"], series.points[-1][1]
        told[name] = max(value, told.get(name, value))
    if PAIRS not in told or DIFFERING not in told:
        return None
    return found(round(told[PAIRS]), round(told[DIFFERING]), told.get(E_VALUE, 0.0), settings)


def _query(rollout: Rollout) -> str:
    names = f'__name__=~"{PAIRS}|{DIFFERING}|{E_VALUE}"'
    where = {"environment": rollout.environment, "model": rollout.model, "release": label(rollout)}
    # Pairs are of no aspect.
    return (
        "{" + ", ".join([names, 'aspect=~"shadow|"', *(f"{name}={json.dumps(of)}" for name, of in where.items())]) + "}"
    )
