"""The route's weights are the record's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from slipway.release.record import Challenger, Record
from slipway.rendering import render, routing, seldon
from slipway.rendering.served import Served
from slipway.serving.settings import Settings
from tests.toy_platform import IMAGES, RELEASES
from tests.unit.slipway.rendering.conftest import ALONE, AT_REST, SHADOW, TWO, shadowed


@pytest.mark.parametrize("weight", [0, 10, 50, 100])
def test_weights_sum_to_100(production: Callable[[Record], Served], weight: int) -> None:
    challenger = Challenger(release=RELEASES[1], image=IMAGES[1], weight=weight)
    route = routing.route(production(Record(champion=ALONE.champion, challenger=challenger)))
    (rule,) = route["spec"]["rules"]
    weights = {backend["name"]: backend["weight"] for backend in rule["backendRefs"]}
    assert sum(weights.values()) == 100
    assert weights[f"flight-delay-{RELEASES[1][:8]}-222222"] == weight


def test_the_gateway_and_the_host_are_those_of_the_platform(production: Callable[[Record], Served]) -> None:
    spec = routing.route(production(ALONE))["spec"]
    (parent,) = spec["parentRefs"]
    assert (parent["name"], parent["namespace"]) == ("slipway", "gateway")
    assert spec["hostnames"] == ["flight-delay.production.localhost"]


def test_the_gateway_gives_up_what_hangs(production: Callable[[Record], Served]) -> None:
    (rule,) = routing.route(production(ALONE))["spec"]["rules"]
    assert rule["timeouts"] == {"request": f"{routing.PATIENCE_SECONDS}s"}
    assert Settings().body_seconds > routing.PATIENCE_SECONDS, "or the server would call it the client's fault, by 408"


def test_a_challenger_in_the_shadow_gets_copies_and_answers_nobody(production: Callable[[Record], Served]) -> None:
    served = shadowed(production(AT_REST))
    (rule,) = routing.route(served)["spec"]["rules"]
    (mirror,) = rule["filters"]
    service = routing.shadow_service(served)
    assert mirror["type"] == "RequestMirror"
    assert mirror["requestMirror"]["percent"] == SHADOW.percent
    assert mirror["requestMirror"]["backendRef"]["name"] == service["metadata"]["name"]
    assert mirror["requestMirror"]["backendRef"]["port"] == service["spec"]["ports"][0]["port"]
    assert service["spec"]["selector"] == {"seldon-app": f"flight-delay-{RELEASES[1][:8]}-222222"}
    assert [backend["weight"] for backend in rule["backendRefs"]] == [100, 0]


@pytest.mark.parametrize("record", [ALONE, TWO])
def test_without_a_challenger_at_rest_nothing_is_mirrored_and_the_service_stays(
    production: Callable[[Record], Served], record: Record
) -> None:
    served = shadowed(production(record))
    (rule,) = routing.route(served)["spec"]["rules"]
    assert "filters" not in rule
    assert routing.shadow_service(served)["spec"]["selector"] == {"seldon-app": "flight-delay-nobody"}


def test_without_a_shadow_there_is_neither(production: Callable[[Record], Served]) -> None:
    served = production(AT_REST)
    assert "filters" not in routing.route(served)["spec"]["rules"][0]
    assert "service.yaml" not in render.render(served)
    assert "service.yaml" in render.render(shadowed(served))


def test_the_route_comes_after_those_that_it_leads_to(production: Callable[[Record], Served]) -> None:
    """So no route names a predictor, and no mirror a Service, that is still to come."""
    served = shadowed(production(AT_REST))

    def wave(manifest: dict[str, Any]) -> int:
        return int(manifest["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", "0"))

    assert wave(routing.shadow_service(served)) < wave(routing.route(served))
    assert wave(seldon.deployment(served)) < wave(routing.route(served))


def test_only_broken_connections_are_tried_again(production: Callable[[Record], Served]) -> None:
    retries = routing.retries(production(ALONE))
    (target,) = retries["spec"]["targetRefs"]
    assert (target["kind"], target["name"]) == ("HTTPRoute", "flight-delay")
    assert "httpStatusCodes" not in retries["spec"]["retry"]["retryOn"]
    assert not {"5xx", "gateway-error"} & set(retries["spec"]["retry"]["retryOn"]["triggers"])
