"""What is asked beyond Git, and that whoever is away costs only what he knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod

from slipway.adapters.kube import Cluster, KubeFault
from slipway.adapters.prometheus import Prometheus, PrometheusFault, Series
from slipway.canary.decision import Action
from slipway.canary.figures import DIFFERING, E_VALUE, PAIRS
from slipway.canary.observation import Block, Counts, Rollout
from slipway.canary.sighting import Sight, Traffic
from slipway.promotion.platform import Platform
from slipway.rendering.canary import Canary
from slipway.serving.metrics import DURATION_BOUNDS, SCORE_BOUNDS
from slipway.status import outlook
from slipway.status.outlook import Outlook
from slipway.status.standing import Application, Seen, Standing
from tests import rollouts
from tests.rollouts import NOON

STATUS = {
    "sync": {"status": "OutOfSync"},
    "health": {"status": "Degraded", "message": "one pod"},
    "operationState": {"message": "applying"},
    "conditions": [{"message": "a condition"}],
}


class ToyCluster:
    """A cluster in which every release runs with two replicas; ``fault`` if it is away."""

    def __init__(self, fault: str = "") -> None:
        self.fault = fault
        self.asked: list[str] = []

    def pods(self, namespace: str, service: str) -> list[Pod]:
        return []

    def deployment(self, namespace: str, name: str) -> Deployment:
        self._ask(name)
        return cast(Deployment, Deployment.from_dict({"spec": {"replicas": 2, "selector": {}, "template": {}}}))

    def seldon_status(self, namespace: str, name: str) -> dict[str, Any]:
        return {"state": "Failed", "description": "it is broken"}

    def argo_status(self, namespace: str, name: str) -> dict[str, Any] | None:
        self._ask(f"{namespace}/{name}")
        return STATUS

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.fault:
            raise KubeFault(self.fault)


class ToySight:
    """Sees a block of 500 of the challenger's requests, after one of as many at the weight before."""

    def look(self, rollout: Rollout, settings: Canary, now: Any) -> Traffic:
        end = rollout.stepped + timedelta(seconds=settings.block_seconds)
        durations, scores = [0] * (len(DURATION_BOUNDS) + 1), [0] * (len(SCORE_BOUNDS) + 1)
        durations[3] = scores[3] = 500
        counts = Counts(500, 0, tuple(durations), tuple(scores))
        return Traffic((Block(rollout.stepped, counts, counts), Block(end, counts, counts)), None)


class ToyPrometheus:
    """One that has these series; ``fault`` if it is away."""

    def __init__(self, fault: str = "", *series: Series) -> None:
        self.fault, self.series = fault, list(series)

    def now(self, query: str) -> Sequence[Series]:
        if self.fault:
            raise PrometheusFault(self.fault)
        return self.series if "pairs" in query else []


def asking(cluster: ToyCluster | None = None, prometheus: ToyPrometheus | None = None) -> Outlook:
    """An outlook on these."""
    found = Outlook(None)
    found._always = {}
    found._cluster = cast(Cluster, cluster or ToyCluster())
    found._prometheus = cast(Prometheus, prometheus or ToyPrometheus())
    found._sight = cast(Sight, ToySight())
    return found


def look(found: Outlook, standing: Standing) -> tuple[Seen, dict[str, str]]:
    (seen,), away = found.look([standing], NOON)
    return seen.seen, {each.who: each.why for each in away}


def test_it_looks_as_the_loop_does_and_says_what_that_would_decide() -> None:
    cluster = ToyCluster()
    seen, away = look(asking(cluster), rollouts.standing())
    assert away == {}
    assert seen.requests == 500
    assert seen.decision is not None
    assert seen.decision.action is Action.WAIT
    assert [finding.aspect for finding in seen.decision.findings] == ["errors", "latency", "scores"]
    assert seen.challenger is not None
    assert (seen.challenger.wanted, seen.challenger.ready) == (2, 0)
    assert seen.challenger.complaint == "Seldon's operator: it is broken"
    assert seen.champion is not None
    assert seen.application == Application("OutOfSync", "Degraded", "applying; one pod; a condition")
    assert "argocd/production-flight-delay" in cluster.asked


def test_without_a_challenger_only_the_champion_is_asked_for() -> None:
    standing = rollouts.standing(rollout=None)
    seen, _ = look(asking(), standing)
    assert (seen.challenger, seen.requests, seen.decision) == (None, None, None)
    assert seen.champion is not None


def test_what_runs_elsewhere_is_not_asked_for() -> None:
    cluster = ToyCluster()
    record = rollouts.rollout().record
    assert record.champion is not None
    elsewhere = record.model_copy(
        update={"challenger": None, "champion": record.champion.model_copy(update={"image": None})}
    )
    assert look(asking(cluster), rollouts.standing(record=elsewhere, rollout=None)) == (Seen(), {})
    assert look(asking(cluster), rollouts.standing(record=None, rollout=None)) == (Seen(), {})
    assert cluster.asked == []


def test_a_cluster_away_is_asked_once_and_nothing_is_decided() -> None:
    cluster = ToyCluster("Kubernetes cannot be asked: no route.")
    seen, away = look(asking(cluster), rollouts.standing())
    assert away == {"Kubernetes": "Kubernetes cannot be asked: no route."}
    assert seen == Seen()
    assert len(cluster.asked) == 1


def test_prometheus_away_is_named_and_the_loops_own_decision_shown() -> None:
    seen, away = look(asking(prometheus=ToyPrometheus("it is away")), rollouts.standing())
    assert away == {"Prometheus": "it is away"}
    assert seen.decision is not None


def told(name: str, value: float) -> Series:
    return Series({"__name__": name}, [(NOON.timestamp(), value)])


def test_the_pairs_of_a_shadow_are_what_the_loop_says() -> None:
    standing = rollouts.standing(0, settings=rollouts.shadowing())
    prometheus = ToyPrometheus("", told(PAIRS, 400), told(DIFFERING, 100), told(E_VALUE, 1e6))
    seen, away = look(asking(prometheus=prometheus), standing)
    assert (away, seen.requests, seen.pairs) == ({}, None, 400)
    assert seen.decision is not None
    assert seen.decision.action is Action.ROLL_BACK
    assert seen.decision.reason.endswith(
        "100 of 400 pairs have scores that differ by more than 0.02, 25.00%; allowed are 1.00%"
    )


def test_of_a_shadow_of_which_the_loop_says_nothing_nothing_is_claimed() -> None:
    seen, away = look(asking(), rollouts.standing(0, settings=rollouts.shadowing()))
    assert list(away) == ["The canary loop"]
    assert "the shadow of production/flight_delay" in away["The canary loop"]
    assert (seen.pairs, seen.decision) == (None, None)
    assert seen.challenger is not None


def test_a_challenger_that_answers_people_has_no_pairs_to_ask_for() -> None:
    seen, away = look(asking(), rollouts.standing(10, settings=rollouts.shadowing()))
    assert (away, seen.requests, seen.pairs) == ({}, 500, None)
    assert seen.decision is not None


def test_without_prometheus_a_shadow_is_where_the_loop_holds() -> None:
    standing = rollouts.standing(0, settings=rollouts.shadowing())
    seen, away = look(asking(prometheus=ToyPrometheus("it is away")), standing)
    assert away == {"Prometheus": "it is away"}
    assert seen.pairs is None
    assert seen.decision is not None


def test_without_a_platform_or_its_addresses_nobody_is_asked(tmp_path: Path) -> None:
    seen, away = look(Outlook(None, "There is no platform."), rollouts.standing())
    assert seen == Seen()
    assert away == {"Kubernetes": "There is no platform.", "Prometheus": "There is no platform."}
    bare = Platform("registry", "http://127.0.0.1:1", "http://127.0.0.1:1/git")
    _, away = look(Outlook(bare), rollouts.standing())
    assert away == dict.fromkeys(("Kubernetes", "Prometheus"), "The platform's record does not say where it is.")
    broken = Platform("registry", "http://127.0.0.1:1", "http://127.0.0.1:1/git", tmp_path / "none", "nonsense")
    _, away = look(Outlook(broken), rollouts.standing())
    assert "nonsense" in away["Prometheus"]
    assert away["Kubernetes"].startswith("Nothing says where the cluster is")


@pytest.mark.parametrize("status", [{}, {"sync": None, "health": None, "conditions": None}])
def test_an_application_that_says_nothing_yet(status: dict[str, Any]) -> None:
    assert outlook.application(status) == Application("Unknown", "Unknown", "")
