"""One leads at a time, by a Lease of a Kubernetes API, and stops before the next begins."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace

import pytest

from slipway.adapters.kube import Cluster, LeaseTaken
from slipway.canary.leader import Candidate, Terms
from tests.fake_kubernetes import FakeKubernetes

TERMS = Terms("slipway")


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def two(cluster: Cluster, clock: Clock) -> tuple[Candidate, Candidate]:
    return Candidate(cluster, TERMS, "one", clock), Candidate(cluster, TERMS, "two", clock)


def holder(kubernetes: FakeKubernetes) -> str:
    return str(kubernetes.objects["slipway", "leases", "canary"]["spec"]["holderIdentity"])


def test_the_first_leads_and_the_second_waits(
    two: tuple[Candidate, Candidate], kubernetes: FakeKubernetes, clock: Clock
) -> None:
    one, other = two
    assert not one.leads()
    for _ in range(10):
        one.apply()
        other.apply()
        assert (one.leads(), other.leads()) == (True, False)
        clock.now += TERMS.renew_seconds
    assert holder(kubernetes) == "one"
    assert kubernetes.objects["slipway", "leases", "canary"]["spec"]["leaseTransitions"] == 1


def test_one_that_cannot_renew_stops_before_the_next_begins(
    two: tuple[Candidate, Candidate], kubernetes: FakeKubernetes, clock: Clock
) -> None:
    one, other = two
    one.apply()
    other.apply()
    kubernetes.away = True
    led = begun = None
    for _ in range(400):
        clock.now += 0.1
        one.apply()
        led = clock.now if one.leads() else led
        kubernetes.away = False
        other.apply()
        kubernetes.away = True
        if other.leads():
            begun = clock.now
            break
    assert led is not None
    assert begun is not None
    assert 1000 + TERMS.seconds <= begun < 1000 + TERMS.seconds + 1
    assert led <= begun - TERMS.grace_seconds
    kubernetes.away = False
    one.apply()
    assert (one.leads(), holder(kubernetes)) == (False, "two")


def test_whoever_resigns_is_followed_at_once(two: tuple[Candidate, Candidate], kubernetes: FakeKubernetes) -> None:
    one, other = two
    one.apply()
    other.apply()
    one.resign()
    assert (one.leads(), holder(kubernetes)) == (False, "")
    other.apply()
    assert other.leads()
    one.resign()
    assert holder(kubernetes) == "two"


def test_two_that_ask_at_once_are_one(cluster: Cluster, clock: Clock, kubernetes: FakeKubernetes) -> None:
    """Both have read that nobody leads; the API takes one of them."""
    one, other = Candidate(cluster, TERMS, "one", clock), Candidate(cluster, TERMS, "two", clock)
    assert cluster.lease("slipway", "canary") is None
    one.apply()
    with pytest.raises(LeaseTaken):
        cluster.write_lease("slipway", "canary", other._spec(None), None)
    held = cluster.lease("slipway", "canary")
    one.apply()
    with pytest.raises(LeaseTaken):
        cluster.write_lease("slipway", "canary", other._spec(held), held)
    assert holder(kubernetes) == "one"


def test_it_renews_by_itself(cluster: Cluster, kubernetes: FakeKubernetes) -> None:
    quick = replace(TERMS, seconds=2, renew_seconds=0.1, grace_seconds=0.5)
    one, other = Candidate(cluster, quick, "one"), Candidate(cluster, quick, "two")
    one.start()
    deadline = time.monotonic() + 10
    while not one.leads() and time.monotonic() < deadline:
        time.sleep(0.02)
    other.start()
    time.sleep(3)
    assert (one.leads(), other.leads()) == (True, False)
    one.resign()
    deadline = time.monotonic() + 10
    while not other.leads() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (one.leads(), other.leads()) == (False, True)
    other.resign()


def test_a_renewal_under_way_takes_nothing_back(
    cluster: Cluster, clock: Clock, kubernetes: FakeKubernetes, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Candidate(cluster, TERMS, "one", clock)
    one.apply()
    begun, answer = threading.Event(), cluster.lease

    def slowly(namespace: str, name: str) -> object:
        begun.set()
        time.sleep(0.3)
        return answer(namespace, name)

    monkeypatch.setattr(cluster, "lease", slowly)
    renewal = threading.Thread(target=one.apply)
    renewal.start()
    begun.wait(5)
    one.resign()
    renewal.join(5)
    assert (one.leads(), holder(kubernetes)) == (False, "")
