"""The policy names who may talk to whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from slipway.release.record import Record
from slipway.rendering import network
from slipway.rendering.served import Served
from tests.unit.slipway.rendering.conftest import ALONE


def peers(rules: list[dict[str, Any]], side: str) -> dict[int, set[str]]:
    """The namespaces by port."""
    found: dict[int, set[str]] = {}
    for rule in rules:
        names = {it["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] for it in rule[side]}
        for port in rule["ports"]:
            found.setdefault(port["port"], set()).update(names)
    return found


def test_the_gateway_asks_and_prometheus_scrapes(production: Callable[[Record], Served]) -> None:
    spec = network.policy(production(ALONE))["spec"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert peers(spec["ingress"], "from") == {9000: {"envoy-gateway-system"}, 6000: {"monitoring"}}
    assert peers(spec["egress"], "to") == {53: {"kube-system"}, 4222: {"nats"}}


def test_without_a_request_log_nothing_gets_out(production: Callable[[Record], Served]) -> None:
    served = production(ALONE)
    settings = served.settings.model_copy(update={"request_log": None})
    spec = network.policy(replace(served, settings=settings))["spec"]
    assert spec["egress"] == []
    assert "Egress" in spec["policyTypes"]
