"""Autoscalers and disruption budgets: one of each for each release, by names that the operator leaves alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from slipway.release.record import Record
from slipway.rendering import scaling
from slipway.rendering.served import Served
from tests.unit.slipway.rendering.conftest import ALONE, TWO

Production = Callable[[Record], Served]


def test_each_release_scales_by_itself(production: Production) -> None:
    served = production(TWO)
    made = scaling.autoscalers(served)
    assert [it["spec"]["scaleTargetRef"]["name"] for it in made] == [it.deployment for it in served.predictors]
    assert [it["spec"]["minReplicas"] for it in made] == [served.settings.replicas] * 2


def test_without_autoscaling_there_is_none(production: Production) -> None:
    served = production(ALONE)
    settings = served.settings.model_copy(update={"autoscaling": None})
    assert scaling.autoscalers(replace(served, settings=settings)) == []


def test_no_pod_has_two_budgets(production: Production) -> None:
    served = production(TWO)
    selectors = [it["spec"]["selector"]["matchLabels"]["seldon-app"] for it in scaling.disruption_budgets(served)]
    assert selectors == [it.service for it in served.predictors]


def test_the_operator_deletes_nothing_of_ours(production: Production) -> None:
    served = production(TWO)
    ours = {it["metadata"]["name"] for it in scaling.autoscalers(served) + scaling.disruption_budgets(served)}
    assert ours.isdisjoint(it.deployment for it in served.predictors)
