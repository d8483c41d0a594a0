"""PID 1 reads what the launcher wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.clusters.processes.addressing import Ranges
from infra.clusters.processes.spec import PEOPLE_PORTS, NodeSpec


def test_a_spec_survives_its_file() -> None:
    spec = NodeSpec("slipway-a", Path("/state"), Ranges.numbered(203), {"etcd": Path("/bin/etcd")}, {9000: 30080})
    assert NodeSpec.from_json(spec.to_json()) == spec


def test_people_find_the_gateway_first() -> None:
    assert PEOPLE_PORTS == {8080: 30080, 8081: 30081, 8082: 30082, 8083: 30083, 8084: 30084, 8085: 30085}


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"name": "a"}'])
def test_a_damaged_file_is_no_spec(text: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        NodeSpec.from_json(text)
