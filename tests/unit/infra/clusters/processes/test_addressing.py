"""Ranges that nothing else uses, and the addresses in them."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from infra.clusters.processes import addressing
from infra.clusters.processes.addressing import NUMBERS, Ranges
from infra.errors import PlatformError


def test_the_first_free_number_is_taken() -> None:
    taken = [IPv4Network("10.200.64.0/24"), IPv4Network("172.31.201.0/30")]
    assert addressing.free(taken) == Ranges.numbered(202)


def test_a_wide_network_takes_all_numbers_below_it() -> None:
    with pytest.raises(PlatformError, match="No number from 200 to 249 is free") as error:
        addressing.free([IPv4Network("10.0.0.0/8")])
    assert "ip route" in error.value.remedy


def test_no_two_numbers_overlap_and_neither_do_the_ranges_of_one() -> None:
    networks = [network for n in NUMBERS for network in _networks(Ranges.numbered(n))]
    for i, network in enumerate(networks):
        assert not any(network.overlaps(other) for other in networks[i + 1 :])


def test_addresses_with_a_role() -> None:
    ranges = Ranges.numbered(200)
    assert [str(each) for each in (ranges.host, ranges.node)] == ["172.31.200.1", "172.31.200.2"]
    assert (str(ranges.api), str(ranges.dns)) == ("10.200.128.1", "10.200.128.10")
    assert str(ranges.node_pods) == "10.200.0.0/24"


def test_ranges_survive_their_record() -> None:
    assert Ranges.from_json(Ranges.numbered(217).to_json()) == Ranges.numbered(217)


def test_a_damaged_record_is_refused() -> None:
    with pytest.raises(ValueError, match="octets"):
        Ranges.from_json({"link": "nonsense", "pods": "10.0.0.0/8", "services": "10.0.0.0/8"})


def test_collisions_are_named() -> None:
    other = IPv4Network("10.200.3.0/24")
    assert addressing.collisions(Ranges.numbered(200), [other, IPv4Network("192.168.0.0/16")]) == [other]


def test_the_loopback_of_this_machine_is_seen_and_the_default_route_is_not() -> None:
    found = addressing.on_this_machine()
    assert any(network.overlaps(IPv4Network("127.0.0.0/8")) for network in found)
    assert IPv4Network("0.0.0.0/0") not in found


def _networks(ranges: Ranges) -> tuple[IPv4Network, ...]:
    return ranges.link, ranges.pods, ranges.services
