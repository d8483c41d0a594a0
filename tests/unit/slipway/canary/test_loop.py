"""The whole loop against a real Git, a Prometheus and a Kubernetes: what it does, and what it survives."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.adapters.forge import PlainGit
from slipway.adapters.git import GitFault, RemoteAway
from slipway.canary import loop as looping
from slipway.canary.decision import Action
from slipway.canary.loop import Loop
from slipway.canary.notes import NOTES
from slipway.canary.observation import Shadowed
from slipway.release.record import Record
from slipway.rendering.served import predictor_name
from tests.conftest import MODEL
from tests.fake_kubernetes import pod
from tests.toy_platform import PUBLISHED, git
from tests.unit.slipway.canary.conftest import BEGIN, CHALLENGER, CHAMPION, NEXT, record
from tests.unit.slipway.canary.world import CANARY, NEW, World, world

# As metrics call it.
CALLED = predictor_name(PUBLISHED[CHALLENGER])


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made


def until(ours: World, loop: Loop, done: str, most: int = 60) -> list[str]:
    """The actions up to ``done``, each once in a row; commits have the machine's time, and are given the world's."""
    seen: list[str] = []
    for _ in range(most):
        before = ours.toy.main
        said = ours.step(loop)
        if not seen or seen[-1] != said:
            seen.append(said)
        if ours.toy.main != before:
            git(ours.toy.other, "pull", "--quiet", "--rebase", "origin", "main")
            ours.toy.redate(int(BEGIN + ours.now))
        if said == done:
            return seen
    raise AssertionError(f"{done} never came: {seen}")


def metric(loop: Loop, name: str, **labels: str) -> float | None:
    return loop.figures.registry.get_sample_value(name, labels)


def test_nothing_to_do(ours: World) -> None:
    assert ours.loop().cycle() == []


def test_a_good_challenger_becomes_champion(ours: World) -> None:
    ours.challenge()
    loop = ours.loop()
    assert until(ours, loop, "promote") == ["wait", "advance", "wait", "advance", "wait", "promote"]
    assert ours.log[-3:] == [
        f"Give {MODEL} {CHALLENGER[:12]} 10 % of the traffic in production",
        f"Give {MODEL} {CHALLENGER[:12]} 100 % of the traffic in production",
        f"Make {MODEL} {CHALLENGER[:12]} the champion in production",
    ]
    assert ours.toy.held() == Record.model_validate(record(champion=CHALLENGER))
    assert loop.cycle() == []


def test_a_challenger_that_fails_is_rolled_back_and_people_are_told(ours: World) -> None:
    began = ours.challenge(10, errors=0.2)
    loop = ours.loop()
    assert until(ours, loop, "roll back") == ["wait", "roll back"]
    rejected = ours.toy.held().rejection(PUBLISHED[CHALLENGER])
    assert rejected is not None
    assert "of its answers are 5xx" in rejected.reason
    assert loop.cycle() == []
    git(ours.toy.other, "fetch", "--quiet", "origin", f"{NOTES}:{NOTES}")
    note = git(ours.toy.other, "notes", f"--ref={NOTES}", "show", began)
    assert f"{MODEL} {CHALLENGER[:12]} was rolled back in production" in note
    assert f"in commit {ours.toy.main}" in note
    assert "- errors: " in note
    assert loop.cycle() == []
    assert note.count("was rolled back") == 1


@pytest.mark.parametrize("share", [0.05, 1.0])
def test_a_challenger_that_hangs_is_rolled_back(ours: World, share: float) -> None:
    ours.challenge(10, hung=share)
    assert until(ours, ours.loop(), "roll back") == ["wait", "roll back"]
    rejected = ours.toy.held().rejection(PUBLISHED[CHALLENGER])
    assert rejected is not None
    assert rejected.reason.startswith(f"It fails {100 * share:.1f} % of its requests, and never answers ")


def test_one_that_becomes_ready_again_and_again_is_rolled_back(ours: World) -> None:
    ours.challenge(10)
    loop = ours.loop()

    def flap(count: int) -> list[str]:
        seen = []
        for _ in range(count):
            ours.kubernetes.run("production", NEW, 2, BEGIN + ours.now)
            seen.append(ours.step(loop))
        return seen

    assert set(flap(23)) == {"wait"}
    assert flap(1) == ["roll back"]
    assert ours.weight is None


def test_a_note_that_was_killed_is_made_by_whoever_looks_next(ours: World, monkeypatch: pytest.MonkeyPatch) -> None:
    began = ours.challenge(10, errors=0.2)
    with monkeypatch.context() as patched:
        patched.setattr(looping.notes, "tell", lambda *_: 1 / 0)
        assert until(ours, ours.loop(), "roll back")[-1] == "roll back"
    for name in ("two", "three"):
        ours.loop(name).cycle()
    git(ours.toy.other, "fetch", "--quiet", "origin", f"{NOTES}:{NOTES}")
    assert git(ours.toy.other, "notes", f"--ref={NOTES}", "show", began).count("was rolled back") == 1


def test_an_issue_is_opened_once_where_there_is_a_forge(ours: World) -> None:
    opened: list[tuple[str, str]] = []

    class Forge(PlainGit):
        def open_issue(self, title: str, body: str) -> str | None:
            opened.append((title, body))
            raise GitFault("Its token has expired.", "Make another.")

    ours.challenge(10, errors=0.2)
    loop = ours.loop()
    loop.forge = Forge()
    until(ours, loop, "roll back")
    loop.cycle()
    loop.cycle()
    assert [title for title, _ in opened] == [f"{MODEL} {CHALLENGER[:12]} was rolled back in production"]
    assert "cannot be promoted to production" in opened[0][1]


def test_not_ready_by_the_limit(ours: World) -> None:
    ours.challenge(ready=None)
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    ours.kubernetes.run("production", NEW, 1, BEGIN)
    ours.kubernetes.put("production", "pods", pod(NEW, f"{NEW}-0", None, state=waiting))
    loop = ours.loop()
    assert until(ours, loop, "roll back") == ["wait", "roll back"]
    assert ours.now == 60
    rejected = ours.toy.held().rejection(PUBLISHED[CHALLENGER])
    assert rejected is not None
    assert rejected.reason.endswith("ImagePullBackOff: no such image.")


def test_another_loop_goes_on_where_one_was_killed(ours: World) -> None:
    ours.challenge()
    actions = []
    for number in range(40):
        before = ours.toy.main
        actions.append(ours.step(ours.loop(str(number))))
        if ours.toy.main != before:
            git(ours.toy.other, "pull", "--quiet", "--rebase", "origin", "main")
            ours.toy.redate(int(BEGIN + ours.now))
        if actions[-1] == "promote":
            break
    assert [action for action in actions if action != "wait"] == ["advance", "advance", "promote"]


def test_a_promotion_that_is_reverted_in_the_middle(ours: World) -> None:
    ours.challenge()
    loop = ours.loop()
    until(ours, loop, "advance")
    ours.toy.commit(record(), "Revert it", int(BEGIN + ours.now))
    assert ours.step(loop) == ""
    assert metric(loop, "slipway_rollout_weight", environment="production", model=MODEL, release=CALLED) is None
    ours.toy.commit(record(0), "And again", int(BEGIN + ours.now))
    assert ours.step(loop) == "advance"
    assert ours.weight == 10


def test_a_newer_challenger_supersedes_it(ours: World) -> None:
    ours.challenge(10)
    loop = ours.loop()
    assert ours.step(loop) == "wait"
    ours.toy.commit(record(0, NEXT), "A newer one", BEGIN + 3)
    assert ours.step(loop) == "wait"
    outcome = loop.cycle()[0]
    assert (outcome.release, outcome.decision and outcome.decision.weight) == (NEXT, 0)


def test_prometheus_away_holds_and_comes_back(ours: World) -> None:
    ours.challenge(10)
    loop = ours.loop()
    assert ours.step(loop, 8) == "wait"
    ours.prometheus.away = True
    labels = {"environment": "production", "model": MODEL, "release": CALLED}
    for _ in range(30):
        assert ours.step(loop) == "hold"
    assert metric(loop, "slipway_rollout_held", **labels) == 1.0
    assert ours.weight == 10
    ours.prometheus.away = False
    assert ours.step(loop) == "advance"
    assert metric(loop, "slipway_rollout_held", **labels) == 0.0


def test_kubernetes_away_holds_and_comes_back(ours: World) -> None:
    ours.challenge(10)
    loop = ours.loop()
    ours.kubernetes.away = True
    for _ in range(30):
        assert ours.step(loop) == "hold"
    ours.kubernetes.away = False
    assert ours.step(loop) == "advance"


def test_a_remote_away_raises_and_comes_back(ours: World, tmp_path: Path) -> None:
    ours.challenge()
    loop = ours.loop()
    ours.toy.platform.bare.rename(tmp_path / "away")
    with pytest.raises(GitFault):
        ours.step(loop)
    (tmp_path / "away").rename(ours.toy.platform.bare)
    assert ours.step(loop, 10) == "advance"
    ours.toy.redate(int(BEGIN + ours.now))
    ours.toy.platform.bare.rename(tmp_path / "away")
    with pytest.raises(RemoteAway):
        ours.step(loop)
    (tmp_path / "away").rename(ours.toy.platform.bare)
    assert ours.step(loop) == "advance"


@pytest.mark.parametrize("damage", ["gone", "empty", "no objects", "a lock"])
def test_its_clone_may_vanish_or_break(ours: World, damage: str) -> None:
    ours.challenge()
    loop = ours.loop()
    ours.step(loop, 1)
    clone = ours.folder / "one" / "clone.git"
    ours.toy.commit(record(0), "by hand", BEGIN)
    ours.toy.push("something else")
    if damage == "a lock":
        (clone / "packed-refs.lock").touch()
        (clone / "refs/heads/main.lock").touch()
    else:
        shutil.rmtree(clone / "objects" if damage == "no objects" else clone)
    if damage == "empty":
        clone.mkdir()
    for _ in range(3):
        try:
            said = ours.step(loop)
        except GitFault:
            continue
        if said == "advance":
            break
    assert ours.weight == 10


@pytest.mark.parametrize("value", ["nonsense", "2026-99-99"])
def test_a_broken_place_stops_no_other(ours: World, caplog: pytest.LogCaptureFixture, value: str) -> None:
    ours.challenge()
    ours.toy.commit(f"champion: {value}\n", "oops", BEGIN, "staging")
    loop = ours.loop()
    ours.now = 10
    with caplog.at_level(logging.INFO, "slipway.canary"):
        outcomes = loop.cycle()
    assert [(it.environment, it.commit is not None, it.fault is not None) for it in outcomes] == [
        ("production", True, False), ("staging", False, True),
    ]  # fmt: skip
    assert metric(loop, "slipway_rollout_broken", environment="staging", model=MODEL) == 1.0
    assert metric(loop, "slipway_rollout_broken", environment="production", model=MODEL) == 0.0
    assert f"staging/{MODEL}/release.yaml" in caplog.text
    ours.toy.commit(record(), "mended", BEGIN, "staging")
    loop.cycle()
    assert metric(loop, "slipway_rollout_broken", environment="staging", model=MODEL) == 0.0


def test_a_broken_canary_yaml_is_reported(ours: World) -> None:
    ours.challenge()
    (ours.toy.other / f"gitops/envs/production/{MODEL}/canary.yaml").write_text("steps: []\n")
    ours.toy.push("oops")
    assert "canary.yaml" in ours.step(ours.loop(), 30)
    assert ours.weight == 0


def test_a_fault_of_its_own_is_reported_and_stops_nothing(ours: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ours.challenge()
    loop = ours.loop()
    with monkeypatch.context() as patched:
        patched.setattr(looping, "decide", lambda *_: 1 / 0)
        assert "ZeroDivisionError" in ours.step(loop, 10)
    assert metric(loop, "slipway_rollout_faults_total", of=f"production/{MODEL}") == 1.0
    assert ours.step(loop) == "advance"


def test_one_who_does_not_lead_decides_and_does_nothing(ours: World) -> None:
    ours.challenge(10, errors=0.5)
    loop = ours.loop()
    loop.may = lambda: False
    ours.now = 30
    outcome = loop.cycle()[0]
    assert outcome.decision is not None
    assert (outcome.decision.action, outcome.commit) == (Action.ROLL_BACK, None)
    assert ours.weight == 10


def test_it_exports_the_thresholds_of_alerts(ours: World) -> None:
    loop = ours.loop()
    loop.cycle()
    assert metric(loop, "slipway_alert_threshold", environment="production", model=MODEL, alert="errors") == 0.01
    assert metric(loop, "slipway_alert_threshold", environment="staging", model=MODEL, alert="p99_seconds") == 0.1


def test_what_it_tells_prometheus(ours: World) -> None:
    ours.challenge(10)
    loop = ours.loop()
    ours.step(loop, 8)
    labels = {"environment": "production", "model": MODEL, "release": CALLED}
    assert metric(loop, "slipway_rollout_weight", **labels) == 10.0
    assert metric(loop, "slipway_rollout_last_look_timestamp_seconds", **labels) == BEGIN + 8
    assert metric(loop, "slipway_rollout_decisions_total", **labels, action="wait") == 1.0
    for aspect in ("errors", "latency", "scores"):
        value = metric(loop, "slipway_rollout_e_value", **labels, aspect=aspect)
        limit = metric(loop, "slipway_rollout_e_value_threshold", **labels, aspect=aspect)
        assert value is not None
        assert limit is not None
        assert value < limit


def test_it_tells_prometheus_of_the_pairs_of_a_shadow(ours: World) -> None:
    ours.challenge()
    loop = ours.loop()
    loop.lookout = replace(loop.lookout, shadow=lambda *_: Shadowed(12, None, 3))
    labels = {"environment": "production", "model": MODEL, "release": CALLED}
    ours.step(loop)
    assert metric(loop, "slipway_rollout_pairs", **labels) is None
    shadow = {"percent": 100, "pairs": 500, "differing": 0.01, "tolerance": 0.02, "limit_seconds": 600}
    (ours.toy.other / f"gitops/envs/production/{MODEL}/canary.yaml").write_text(json.dumps(CANARY | {"shadow": shadow}))
    ours.toy.push("have it compared in the shadow first", BEGIN)
    assert ours.step(loop) == "wait"
    assert metric(loop, "slipway_rollout_pairs", **labels) == 12.0
    assert metric(loop, "slipway_rollout_pairs_differing", **labels) == 3.0


def test_it_says_what_it_does_and_repeats_itself_seldom(ours: World, caplog: pytest.LogCaptureFixture) -> None:
    ours.challenge(10)
    loop = ours.loop()
    with caplog.at_level(logging.INFO, "slipway.canary"):
        for _ in range(6):
            ours.step(loop)
    lines = [each for each in caplog.records if each.name == "slipway.canary"]
    assert [each.getMessage().split(":")[0] for each in lines] == ["wait", "advance", "wait"] or len(lines) <= 3
    facts = vars(lines[0])
    assert (facts["environment"], facts["model"], facts["release"], facts["action"]) == (
        "production", MODEL, CHALLENGER, "wait",
    )  # fmt: skip
    assert CHAMPION not in lines[0].getMessage()
