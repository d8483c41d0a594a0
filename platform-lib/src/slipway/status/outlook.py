"""What is known beyond Git: how releases run, what the canary loop would decide, and what Argo CD says.

It is asked as the loop asks, and nothing is done about it. Whoever cannot be asked is named once, with the reason, and
not asked again in the same look; the rest is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from slipway.adapters.kube import Cluster, KubeFault
from slipway.adapters.prometheus import Prometheus, PrometheusFault
from slipway.canary import readiness
from slipway.canary.decision import answered, decide
from slipway.canary.observation import Observation, Readiness, Rollout, Shadowed
from slipway.canary.sighting import Sight
from slipway.errors import SlipwayError
from slipway.promotion.platform import Platform
from slipway.release.record import Published
from slipway.rendering.canary import Canary
from slipway.rendering.served import resource_name
from slipway.status import pairs
from slipway.status.standing import Application, Seen, Standing, Unasked

KUBERNETES, PROMETHEUS, LOOP = "Kubernetes", "Prometheus", "The canary loop"
_ARGO_CD = "argocd"
_T = TypeVar("_T")


class Outlook:
    """Asks a platform; it remembers what it has counted, so that a second look is a short one."""

    def __init__(self, platform: Platform | None, without: str = "") -> None:
        """``without`` says why there is no ``platform``."""
        self._always: dict[str, str] = {}
        if platform is None:
            self._always = dict.fromkeys((KUBERNETES, PROMETHEUS), without)
        self._cluster = self._made(KUBERNETES, platform and platform.kubeconfig, Cluster)
        self._prometheus = self._made(PROMETHEUS, platform and platform.prometheus, Prometheus)
        self._sight = Sight(self._prometheus) if self._prometheus is not None else None

    def look(self, standings: Iterable[Standing], now: datetime) -> tuple[tuple[Standing, ...], tuple[Unasked, ...]]:
        """The standings with what is seen of each at ``now``, and who could not be asked."""
        look = _Look(self._cluster, self._prometheus, self._sight, now, dict(self._always))
        found = tuple(replace(standing, seen=look.at(standing)) for standing in standings)
        return found, tuple(Unasked(who, why) for who, why in sorted(look.away.items()))

    def _made(self, who: str, where: Any, make: Callable[[Any], _T]) -> _T | None:
        if who in self._always:
            return None
        if where is None:
            self._always[who] = "The platform's record does not say where it is."
            return None
        try:
            return make(where)
        except SlipwayError as error:
            self._always[who] = error.what
            return None


@dataclass
class _Look:
    """One look; ``away`` says who could not be asked."""

    cluster: Cluster | None
    prometheus: Prometheus | None
    sight: Sight | None
    now: datetime
    away: dict[str, str] = field(default_factory=dict)

    def at(self, standing: Standing) -> Seen:
        record, rollout, settings = standing.record, standing.rollout, standing.settings
        if record is None or record.champion is None or record.champion.image is None:
            return Seen()
        champion = self._runs(standing, record.champion)
        application = self._application(standing)
        if rollout is None or settings is None:
            return Seen(champion=champion, application=application)
        challenger = self._runs(standing, rollout.challenger)
        seen = self._observed(rollout, settings, (champion, challenger))
        if seen is None:
            return Seen(champion, challenger, application=application)
        requests = answered(rollout, seen.blocks) if rollout.challenger.weight else None
        compared = seen.shadow.pairs if seen.shadow is not None else None
        return Seen(champion, challenger, requests, compared, decide(rollout, settings, seen), application)

    def _observed(
        self, rollout: Rollout, settings: Canary, runs: tuple[Readiness | None, Readiness | None]
    ) -> Observation | None:
        """What the loop would see; None where somebody is missing without whom it would decide nothing."""
        sight, prometheus = self.sight, self.prometheus
        champion, challenger = runs
        if sight is None or prometheus is None or challenger is None:
            return None
        # The loop holds while Prometheus is away; people are to be told why, too.
        self._ask(PROMETHEUS, lambda: prometheus.now("vector(1)"))
        shadow = None
        if settings.shadow is not None and not rollout.challenger.weight:
            shadow = self._shadowed(prometheus, rollout, settings)
            if shadow is None and PROMETHEUS not in self.away:
                return None
        traffic = sight.look(rollout, settings, self.now)
        back = champion if rollout.reverted else None
        return Observation(self.now, traffic.blocks, challenger, traffic.gap, shadow, back)

    def _shadowed(self, prometheus: Prometheus, rollout: Rollout, settings: Canary) -> Shadowed | None:
        found = self._ask(PROMETHEUS, lambda: pairs.look(prometheus, rollout, settings))
        if found is None and PROMETHEUS not in self.away:
            place = f"{rollout.environment}/{rollout.model}"
            self.away[LOOP] = f"It has told Prometheus nothing yet of the pairs of the shadow of {place}."
        return found

    def _runs(self, standing: Standing, published: Published) -> Readiness | None:
        cluster = self.cluster
        if cluster is None:
            return None
        asked = cluster, standing.environment, standing.model, published
        return self._ask(KUBERNETES, lambda: readiness.look(*asked))

    def _application(self, standing: Standing) -> Application | None:
        cluster = self.cluster
        if cluster is None:
            return None
        name = f"{standing.environment}-{resource_name(standing.model)}"
        status = self._ask(KUBERNETES, lambda: cluster.argo_status(_ARGO_CD, name))
        return application(status) if status is not None else None

    def _ask(self, who: str, question: Callable[[], _T]) -> _T | None:
        if who in self.away:
            return None
        try:
            return question()
        except (KubeFault, PrometheusFault) as error:
            self.away[who] = error.what
            return None


def application(status: dict[str, Any]) -> Application:
    """What an Application's status says."""
    health = status.get("health") or {}
    said = [(status.get("operationState") or {}).get("message"), health.get("message")]
    said += [condition.get("message") for condition in status.get("conditions") or []]
    sync = (status.get("sync") or {}).get("status", "Unknown")
    return Application(sync, health.get("status", "Unknown"), "; ".join(text for text in said if text))
