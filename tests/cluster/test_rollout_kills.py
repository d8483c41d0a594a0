"""kill -9 of what moves a roll-out, while it is under way: it ends as it would have ended, and nobody notices."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from slipway.adapters.registry import Registry
from tests.cluster import faulty_images
from tests.cluster.killing import Part
from tests.cluster.platform import Platform, eventually
from tests.cluster.rollouts import Rollouts

log = logging.getLogger(__name__)

LOOP = Part("the canary loop", "slipway", "app.kubernetes.io/name=canary")
ARGOCD = Part("Argo CD's controller", "argocd", "app.kubernetes.io/name=argocd-application-controller")
SELDON = Part("Seldon's operator", "seldon-system", "control-plane=seldon-controller-manager")
PROMETHEUS = Part("Prometheus", "monitoring", "app.kubernetes.io/name=prometheus")
GATEWAY = Part("the gateway's controller", "envoy-gateway-system", "control-plane=envoy-gateway")
GIT = Part("the Git server", "slipway-git", "app.kubernetes.io/name=git")
PARTS = (LOOP, ARGOCD, SELDON, PROMETHEUS, GATEWAY, GIT)
PATIENCE = 360.0
"""Seconds, for what was killed again and again is started again ever later."""


@pytest.fixture(autouse=True)
def _all_there(staging: Rollouts) -> None:
    staging.watch_by()
    staging.settle()
    for part in PARTS:
        eventually(partial(part.ready, staging.platform), f"{part.name} is ready", 240)


def _kill(platform: Platform, *parts: Part) -> dict[Part, int]:
    """Kill parts; how often each had been started again before."""
    before = {part: part.restarts(platform) for part in parts}
    for part in parts:
        log.info("killed %s: %d processes", part.name, part.kill(platform))
    return before


def _check_back(platform: Platform, before: dict[Part, int]) -> None:
    """Each was really killed, and is there again."""
    for part, restarts in before.items():
        eventually(partial(part.is_back, platform, restarts), f"{part.name} is back", 240)


def test_a_good_challenger_gets_through(staging: Rollouts, make: Callable[[str], Path]) -> None:
    """Each part is killed once: at the begin what applies, then what decides, then what it looks at."""
    release, platform = make("good, among the dying"), staging.platform
    staging.publish(release)
    with staging.load() as load:
        load.wait_for(200)
        rollout = staging.promote(release)
        before = _kill(platform, ARGOCD, SELDON)
        rollout.until("advance", PATIENCE, weight=10)
        before |= _kill(platform, LOOP, GIT)
        _check_back(platform, {GIT: before[GIT]})
        rollout.until("advance", PATIENCE, weight=25)
        before |= _kill(platform, PROMETHEUS, GATEWAY)
        steps = rollout.until("promote", PATIENCE)
        eventually(staging.settled, "the champion stays alone", 240)
        load.wait_for(200)
    log.info("%s; answers %s", [(step.action, step.weight, step.at - steps[0].at) for step in steps], load.counts)
    _check_back(platform, before)
    told = [(step.action, step.weight) for step in steps]
    assert told == [("begin", 0), *(("advance", weight) for weight in (10, 25, 50, 100)), ("promote", 100)]
    assert staging.champion == release.name
    assert {answer.release for answer in load.answers[-100:]} == {release.name}
    assert load.failed() == [], load.counts


def test_a_bad_challenger_does_not(staging: Rollouts, make: Callable[[str], Path]) -> None:
    """All are killed at once, as soon as somebody has met the fault."""
    release, platform, champion = make("bad, among the dying"), staging.platform, staging.champion
    registry = Registry(platform.record["registry"]["push_url"])
    staging.publish(release, faulty_images.push(registry, "errors"))
    with staging.load() as load:
        load.wait_for(200)
        rollout = staging.promote(release)
        eventually(lambda: any(answer.planted for answer in load.answers), "a planted fault is met", PATIENCE)
        before = _kill(platform, *PARTS)
        killed = time.time()
        _check_back(platform, {GIT: before[GIT]})
        *_, last = rollout.until("roll back", PATIENCE)
        rollout.quiet(load)
    log.info("taken back %.1f s after all were killed; answers %s", last.at - killed, dict(load.counts))
    _check_back(platform, before)
    assert staging.champion == champion
    assert load.failed() == [], load.counts
