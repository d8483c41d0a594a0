"""Waiting ends when everything is applied and healthy, and an end of patience names what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from kr8s.objects import APIObject

from infra.automation import applications
from infra.automation.applications import Application
from infra.errors import PlatformError

GOOD = Application("Synced", "Healthy", "")
LATE = Application("OutOfSync", "Degraded", "the pod has no image")


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applications.time, "sleep", lambda _: None)


def test_waits_for_the_last_one() -> None:
    states: Iterator[Mapping[str, Application]] = iter(
        [{}, {"slipway": LATE}, {"slipway": GOOD, "nats": LATE}, {"slipway": GOOD, "nats": GOOD}]
    )
    told: list[str] = []
    assert applications.wait(lambda: next(states), told.append) == {"slipway": GOOD, "nats": GOOD}
    assert told == ["slipway is Synced and Healthy", "nats is Synced and Healthy"]


def test_applications_without_their_root_are_not_all() -> None:
    with pytest.raises(PlatformError):
        applications.wait(lambda: {"nats": GOOD}, lambda _: None, patience=0)


def test_what_is_late_is_named_with_its_reason() -> None:
    with pytest.raises(PlatformError) as caught:
        applications.wait(lambda: {"slipway": GOOD, "nats": LATE}, lambda _: None, patience=0)
    assert "nats: OutOfSync, Degraded the pod has no image" in str(caught.value)
    assert "slipway:" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, Application("Unknown", "Unknown", "")),
        ({"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}, GOOD),
        (
            {"sync": {"status": "OutOfSync"}, "operationState": {"message": "a"}, "conditions": [{"message": "b"}]},
            Application("OutOfSync", "Unknown", "a; b"),
        ),
    ],
)
def test_a_status_is_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any, status: dict[str, Any], expected: Application
) -> None:
    def listed(namespace: str, api: object) -> list[APIObject]:
        assert (namespace, api) == ("argocd", "the cluster")
        return [applications.APPLICATION({"metadata": {"name": "nats"}, "status": status}, api=api)]

    monkeypatch.setattr(applications.kr8s, "api", lambda kubeconfig: "the cluster")
    monkeypatch.setattr(applications.APPLICATION, "list", listed)
    (tmp_path / "kubeconfig").write_text("{}")
    assert applications.read(tmp_path / "kubeconfig") == {"nats": expected}
