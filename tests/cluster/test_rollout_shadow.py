"""Challengers that get copies of requests first: by whom people are answered, and what the pairs of answers decide."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import faulty_releases
from tests.cluster.platform import eventually
from tests.cluster.rollouts import Rollout, Rollouts, Step
from tests.conftest import MODEL

log = logging.getLogger(__name__)

PAIRS = 400
STEP = {"requests": 150, "seconds": 5, "limit_seconds": 180}
WATCHED = {
    "readiness": {"stable_seconds": 20},  # longer than between two scrapes of the loop's figures
    "shadow": {"percent": 100, "pairs": PAIRS, "differing": 0.01, "tolerance": 1e-6, "limit_seconds": 120},
    "steps": [{"weight": 10, **STEP}, {"weight": 100, **STEP}],
    "scores": {"margin": 0.5},  # other scores are to be found by their pairs, and by nothing else
}
Make = Callable[[str], Path]


@pytest.fixture(scope="module", autouse=True)
def _shadows(staging: Rollouts) -> Iterator[None]:
    """Staging copies every request to a challenger before its first step, and has its champion again in the end."""
    champion = staging.record().champion
    assert champion is not None
    staging.watch_by(**WATCHED)
    staging.settle()
    yield
    staging.clone.install("staging", champion)
    staging.watch_by()
    staging.settle()


@pytest.fixture
def raised(shifted: Path, key: Path, tmp_path: Path) -> Path:
    """Its scores are those of `shifted`, which another test may have had rejected."""
    found = faulty_releases.variant(shifted, tmp_path / "raised", "to be found by its pairs")
    return faulty_releases.sign(found, key.with_suffix(""))


def _shown(rollout: Rollout) -> dict[str, Any]:
    """What `slipway status` says of it."""
    (found,) = rollout.of.clone.asked("status", MODEL, "--environment", rollout.of.environment)["models"]
    shown: dict[str, Any] = found["rollout"]
    return shown


def _shadow_of(step: Step) -> dict[str, Any]:
    """What the pairs said when the loop made a commit."""
    (found,) = (found for found in step.evidence if found["aspect"] == "shadow")
    log.info("%s, %d %%: %s", step.action, step.weight, found["said"])
    return found


def test_other_scores_are_taken_back_by_the_pairs_before_anybody_gets_one(staging: Rollouts, raised: Path) -> None:
    before = staging.champion
    staging.publish(raised)
    with staging.load() as load:
        load.wait_for(200)
        rollout = staging.promote(raised)
        *_, last = rollout.until("roll back")
        eventually(staging.settled, "the cluster is rid of it", 120)
        load.wait_for(200)
    assert [(step.action, step.weight) for step in rollout.steps] == [("begin", 0), ("roll back", 0)]
    (rejected,) = staging.record().rejections(raised.name)
    assert rejected.reason in last.body
    assert rejected.reason.startswith("Its scores differ from the champion's for the same requests: "), rejected.reason
    assert {found["aspect"] for found in last.evidence if found["e_value"] >= found["threshold"]} == {"shadow"}
    assert {answer.release for answer in load.answers} == {before}
    assert load.failed() == [], load.counts
    log.info("taken back %d s after the merge: %s; answers %s",
             last.at - rollout.steps[0].at, rejected.reason, dict(load.counts))  # fmt: skip


def test_a_good_challenger_is_compared_pair_by_pair_and_then_answers(staging: Rollouts, make: Make) -> None:
    release, before = make("a good shadow"), staging.champion
    staging.publish(release)
    with staging.load() as load:
        load.wait_for(200)
        rollout = staging.promote(release)
        shown = _counted(rollout)
        steps = rollout.until("promote")
        load.wait_for(100)
    begun, advanced, *_ = steps
    told = [(step.action, step.weight) for step in steps]
    assert told == [("begin", 0), ("advance", 10), ("advance", 100), ("promote", 100)]
    assert shown["pairs_wanted"] == PAIRS
    said = _shadow_of(advanced)["said"]
    assert said.startswith("0 of ")
    assert int(said.split()[2].replace(",", "")) >= PAIRS
    meanwhile = [answer for answer in load.answers if begun.at <= answer.at < advanced.at]
    assert len(meanwhile) >= PAIRS
    assert {answer.release for answer in meanwhile} == {before}
    assert min(answer.at for answer in load.of(release.name)) > advanced.at
    assert load.failed() == [], load.counts
    log.info("at 0 %% for %d s; answers %s", advanced.at - begun.at, dict(load.counts))
    assert staging.champion == release.name


def _counted(rollout: Rollout, seconds: float = 90) -> dict[str, Any]:
    """What `slipway status` says of it as soon as it counts pairs, which is while it is at 0 %."""
    end = time.monotonic() + seconds
    while True:
        shown = _shown(rollout)
        assert shown["weight"] == 0, f"no pairs were counted: {shown}"
        if shown["pairs"]:
            log.info("status: %d of %d pairs, %s", shown["pairs"], shown["pairs_wanted"], shown["decision"]["reason"])
            return shown
        assert time.monotonic() < end, shown
        time.sleep(0.5)
