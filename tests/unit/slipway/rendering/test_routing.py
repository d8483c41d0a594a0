"""The route's weights are the record's."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from slipway.release.record import Challenger, Record
from slipway.rendering import routing
from slipway.rendering.served import Served
from tests.toy_platform import IMAGES, RELEASES
from tests.unit.slipway.rendering.conftest import ALONE


@pytest.mark.parametrize("weight", [0, 10, 50, 100])
def test_weights_sum_to_100(production: Callable[[Record], Served], weight: int) -> None:
    challenger = Challenger(release=RELEASES[1], image=IMAGES[1], weight=weight)
    route = routing.route(production(Record(champion=ALONE.champion, challenger=challenger)))
    (rule,) = route["spec"]["rules"]
    weights = {backend["name"]: backend["weight"] for backend in rule["backendRefs"]}
    assert sum(weights.values()) == 100
    assert weights[f"flight-delay-{RELEASES[1][:12]}"] == weight


def test_the_gateway_and_the_host_are_those_of_the_platform(production: Callable[[Record], Served]) -> None:
    spec = routing.route(production(ALONE))["spec"]
    (parent,) = spec["parentRefs"]
    assert (parent["name"], parent["namespace"]) == ("slipway", "gateway")
    assert spec["hostnames"] == ["flight-delay.production.localhost"]


def test_only_broken_connections_are_tried_again(production: Callable[[Record], Served]) -> None:
    retries = routing.retries(production(ALONE))
    (target,) = retries["spec"]["targetRefs"]
    assert (target["kind"], target["name"]) == ("HTTPRoute", "flight-delay")
    assert "httpStatusCodes" not in retries["spec"]["retry"]["retryOn"]
    assert not {"5xx", "gateway-error"} & set(retries["spec"]["retry"]["retryOn"]["triggers"])
