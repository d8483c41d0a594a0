"""What follows from a look: each rule of a roll-out, at its limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from slipway.canary import decision
from slipway.canary.comparison import Finding
from slipway.canary.decision import Action, answered, decide, step_of
from slipway.canary.observation import Block, Counts, Observation, Readiness, Rollout, Shadowed
from slipway.release.record import Record
from slipway.rendering.canary import Canary
from tests.unit.slipway.canary.conftest import record

BEGAN = datetime(2026, 11, 30, 12, tzinfo=UTC)
SETTINGS = Canary.model_validate(
    {
        "readiness": {"stable_seconds": 10, "limit_seconds": 300, "restarts": 2},
        "shadow": None,
        "steps": [
            {"weight": 10, "requests": 100, "seconds": 60, "limit_seconds": 600},
            {"weight": 50, "requests": 200, "seconds": 30, "limit_seconds": 600},
            {"weight": 100, "requests": 50, "seconds": 30, "limit_seconds": 600},
        ],
        "false_alarm": 0.05,
        "block_seconds": 15,
        "errors": {"margin": 0.002},
        "latency": {"ratio": 1.1, "floor_seconds": 0.0, "quantiles": [0.5]},
        "scores": {"margin": 0.01, "quantiles": [0.5]},
    }
)
SHADOW = {"percent": 10, "pairs": 500, "differing": 0.01, "tolerance": 0.001, "limit_seconds": 900}
NOTHING = Counts(0, 0, (0,), (0,))
FINE = Finding("errors", 1.0, 60.0, 0.01, 0.01, "1.0 % of 500 answers are 5xx.")
Look = Callable[..., Observation]


@pytest.fixture(autouse=True)
def findings(monkeypatch: pytest.MonkeyPatch) -> list[Finding]:
    """What the comparison finds; the test may change it."""
    found = [FINE]
    monkeypatch.setattr(decision, "compare", lambda blocks, settings: tuple(found))
    return found


def rollout(weight: int = 0, stepped: float = 0.0) -> Rollout:
    held = Record.model_validate(record(weight))
    return Rollout("production", "flight_delay", held, BEGAN, after(stepped), "c" * 40)


def after(seconds: float) -> datetime:
    return BEGAN + timedelta(seconds=seconds)


def look(at: float, stable: float | None = 0.0, requests: int = 0, **readiness: object) -> Observation:
    """At ``at`` seconds: ready since ``stable``, ``requests`` answered in the last block that is over."""
    ready = Readiness(2, 2 if stable is not None else 1, after(stable) if stable is not None else None, 0, "")
    blocks = (Block(after(at - 15), NOTHING, NOTHING), Block(after(at), NOTHING, replace(NOTHING, requests=requests)))
    return Observation(after(at), blocks, replace(ready, **readiness))


def test_it_waits_until_all_have_been_ready_for_long_enough() -> None:
    unknown = look(1, None, wanted=0, ready=0)
    assert decide(rollout(), SETTINGS, unknown).reason == "Kubernetes does not know the release yet"
    one = decide(rollout(), SETTINGS, look(20, None, complaint="b: ContainerCreating"))
    assert (one.action, one.weight) == (Action.WAIT, 0)
    assert one.reason == "1 of 2 replicas are ready: b: ContainerCreating"
    soon = decide(rollout(), SETTINGS, look(24.9, 15))
    assert (soon.action, soon.reason) == (Action.WAIT, "all of its 2 replicas have been ready for 9 of 10 s")
    assert decide(rollout(), SETTINGS, look(25, 15)) == decision.Decision(
        Action.ADVANCE, 10, "all of its 2 replicas have been ready for 10 s without a break", (FINE,)
    )


def test_one_that_turns_unready_begins_anew() -> None:
    assert decide(rollout(), SETTINGS, look(100, 95)).action is Action.WAIT
    assert decide(rollout(), SETTINGS, look(100, 90, ready=1)).action is Action.WAIT


def test_more_replicas_than_wanted_are_ready_enough() -> None:
    assert decide(rollout(), SETTINGS, look(100, 50, ready=3)).action is Action.ADVANCE


def test_not_ready_by_the_limit_is_taken_back_with_the_complaint() -> None:
    pulling = {"ready": 0, "complaint": "ImagePullBackOff: no such image"}
    assert decide(rollout(), SETTINGS, look(299.9, None, **pulling)).action is Action.WAIT
    back = decide(rollout(), SETTINGS, look(300, None, **pulling))
    assert (back.action, back.weight) == (Action.ROLL_BACK, 0)
    assert back.reason == ("it was not ready for 10 s without a break within 300 s: ImagePullBackOff: no such image")
    assert decide(rollout(), SETTINGS, look(300, 295)).action is Action.ROLL_BACK, "it flaps"
    assert decide(rollout(), SETTINGS, look(900, 500)).action is Action.ADVANCE, "nobody looked for a while"


def test_one_that_nobody_has_begun_is_held_and_not_late() -> None:
    """It may be Argo CD that is away; or the commit was old when it became main, and the cluster hears of it now."""
    unknown = look(3000, None, wanted=0, ready=0)
    held = decide(rollout(), SETTINGS, unknown)
    assert (held.action, held.weight) == (Action.HOLD, 0)
    assert held.reason == "Kubernetes does not know the release after 3000 s: see whether Argo CD applies it"
    begun = look(3010, None, ready=0, known_since=after(3005))
    assert decide(rollout(), SETTINGS, begun).action is Action.WAIT
    late = look(3305, None, ready=0, known_since=after(3005))
    assert decide(rollout(), SETTINGS, late).action is Action.ROLL_BACK
    refused = look(300, None, wanted=0, ready=0, complaint="Seldon's operator: no")
    assert decide(rollout(), SETTINGS, refused).reason.endswith("within 300 s: Seldon's operator: no")
    older = look(300, None, ready=0, known_since=after(-500))
    assert decide(rollout(), SETTINGS, older).action is Action.ROLL_BACK


@pytest.mark.parametrize("weight", [0, 10, 100])
def test_restarts_are_counted_at_any_weight(weight: int) -> None:
    assert decide(rollout(weight), SETTINGS, look(20, 0, restarts=2)).action is not Action.ROLL_BACK
    back = decide(rollout(weight), SETTINGS, look(20, 0, restarts=3, complaint="killed: OOMKilled"))
    assert back.action is Action.ROLL_BACK
    assert back.reason == "its containers have restarted 3 times, more often than the 2 allowed: killed: OOMKilled"


def test_none_ready_for_a_while_is_taken_back_once_there_is_traffic() -> None:
    gone = {"ready": 0, "unready_since": after(100), "complaint": "unhealthy"}
    assert decide(rollout(10), SETTINGS, look(109.9, None, **gone)).action is Action.WAIT
    back = decide(rollout(10), SETTINGS, look(110, None, **gone))
    assert (back.action, back.reason) == (Action.ROLL_BACK, "none of its replicas has been ready for 10 s: unhealthy")
    assert decide(rollout(0), SETTINGS, look(110, None, **gone)).action is Action.WAIT
    unknown = look(110, None, ready=0)
    assert decide(rollout(10), SETTINGS, unknown).action is Action.WAIT, "nobody knows since when"


@pytest.mark.parametrize("weight", [0, 10, 100])
@pytest.mark.parametrize(
    ("aspect", "said"),
    [
        ("errors", "5.1 % of its answers are 5xx: details"),
        ("latency", "it is slower than the champion: details"),
        ("scores", "its scores differ from the champion's: details"),
    ],
)
def test_what_is_worse_is_taken_back_by_name(findings: list[Finding], weight: int, aspect: str, said: str) -> None:
    findings.append(Finding(aspect, 60.0, 60.0, 0.001, 0.051, "details"))
    back = decide(rollout(weight), SETTINGS, replace(look(500, 0), gap=after(490)))
    assert (back.action, back.weight, back.reason) == (Action.ROLL_BACK, 0, said)
    assert back.findings == tuple(findings)


def test_enough_requests_and_seconds_advance_it() -> None:
    few = decide(rollout(10, 100), SETTINGS, look(200, 0, 99))
    assert (few.action, few.weight) == (Action.WAIT, 10)
    assert few.reason == "it has answered 99 of 100 requests at 10 % in 100 s"
    early = decide(rollout(10, 100), SETTINGS, look(159, 0, 100))
    assert (early.action, early.reason) == (
        Action.WAIT, "it has answered 100 of 100 requests at 10 % in 59 s of at least 60 s",
    )  # fmt: skip
    done = decide(rollout(10, 100), SETTINGS, look(160, 0, 100))
    assert (done.action, done.weight) == (Action.ADVANCE, 50)
    last = decide(rollout(100, 100), SETTINGS, look(160, 0, 100))
    assert (last.action, last.weight) == (Action.PROMOTE, 100)


def test_nothing_advances_while_a_replica_is_not_ready() -> None:
    held = decide(rollout(10, 100), SETTINGS, look(200, None, 100, complaint="p: starting"))
    assert held.action is Action.WAIT
    assert held.reason.endswith("in 100 s, and 1 of 2 replicas are ready: p: starting")


@pytest.mark.parametrize("weight", [10, 100])
def test_one_that_flaps_at_a_step_does_not_go_on_at_a_moment_at_which_it_is_ready(weight: int) -> None:
    flapping = decide(rollout(weight, 100), SETTINGS, look(200, 190.1, 100))
    assert (flapping.action, flapping.weight) == (Action.WAIT, weight)
    assert flapping.reason.endswith("and all of its 2 replicas have been ready for 9 of 10 s")
    assert decide(rollout(weight, 100), SETTINGS, look(200, 190, 100)).action in (Action.ADVANCE, Action.PROMOTE)


def test_one_that_flaps_at_a_step_is_taken_back_in_the_time_that_it_had_to_become_ready() -> None:
    def flapping(at: float, enough: float, ready: bool, requests: int = 100) -> decision.Decision:
        seen = look(at, at - 5 if ready else None, complaint="" if ready else "p: Unhealthy")
        blocks = (Block(after(enough), NOTHING, replace(NOTHING, requests=requests)), *seen.blocks)
        return decide(rollout(10, 0), SETTINGS, replace(seen, blocks=blocks))

    for ready in (True, False):
        assert flapping(359.9, 15, ready).action is Action.WAIT, "its step takes 60 s, and it has 300 from then on"
        assert flapping(449.9, 150, ready).action is Action.WAIT, "it had not answered enough before"
        back = flapping(360, 15, ready)
        assert (back.action, back.weight) == (Action.ROLL_BACK, 0)
        said = "it was not ready for 10 s without a break within 300 s after its step"
        assert back.reason == (said if ready else f"{said}: p: Unhealthy")
        assert flapping(450, 150, ready).action is Action.ROLL_BACK
        assert flapping(599, 15, ready, requests=99).action is Action.WAIT, "there is little traffic"
    unknown = decide(rollout(10, 0), SETTINGS, look(500, None, 100, wanted=0, ready=0))
    assert unknown.action is Action.WAIT, "the block is over just now"
    gone = look(500, None, wanted=0, ready=0)
    gone = replace(gone, blocks=(Block(after(15), NOTHING, replace(NOTHING, requests=100)),))
    assert decide(rollout(10, 0), SETTINGS, gone).action is Action.HOLD, "Argo CD or the operator is at fault"
    late = decide(rollout(10, 100), SETTINGS, look(100_000, 99_900, 100))
    assert late.action is Action.ADVANCE, "nobody looked for a while"


def test_too_few_requests_by_the_limit_hold_it() -> None:
    assert decide(rollout(10, 100), SETTINGS, look(699, 0, 99)).action is Action.WAIT
    held = decide(rollout(10, 100), SETTINGS, look(700, 0, 99))
    assert (held.action, held.weight) == (Action.HOLD, 10)
    assert held.reason.startswith("it has answered 99 of 100 requests at 10 % in 600 s: too few within 600 s")
    assert decide(rollout(10, 100), SETTINGS, look(701, 0, 100)).action is Action.ADVANCE, "they came after all"


@pytest.mark.parametrize("weight", [0, 10, 100])
def test_blind_it_neither_advances_nor_goes_back(weight: int) -> None:
    for at in (200, 100_000):
        held = decide(rollout(weight, 100), SETTINGS, replace(look(at, 0, 100), gap=after(150)))
        assert (held.action, held.weight) == (Action.HOLD, weight)
        assert "since 2026-11-30 12:02:30 UTC" in held.reason


def test_a_shadow_is_compared_before_the_first_step(findings: list[Finding]) -> None:
    settings = Canary.model_validate(SETTINGS.model_dump() | {"shadow": SHADOW})
    ready = look(100, 0)
    none = decide(rollout(), settings, ready)
    assert (none.action, none.reason) == (Action.WAIT, "0 of 500 pairs of answers have been compared")
    fine = Finding("shadow", 1.0, 60.0, 0.01, 0.0, "0 of 499 differ.")
    some = decide(rollout(), settings, replace(ready, shadow=Shadowed(499, fine)))
    assert (some.action, some.findings) == (Action.WAIT, (*findings, fine))
    assert decide(rollout(), settings, replace(ready, shadow=Shadowed(500, fine))).action is Action.ADVANCE
    late = replace(look(900, 0), shadow=Shadowed(499, fine))
    assert decide(rollout(), settings, late).action is Action.HOLD
    worse = Shadowed(20, replace(fine, e_value=61.0))
    back = decide(rollout(), settings, replace(ready, shadow=worse))
    assert (back.action, back.reason) == (
        Action.ROLL_BACK, "its scores differ from the champion's for the same requests: 0 of 499 differ.",
    )  # fmt: skip


def test_only_whole_blocks_at_this_weight_are_counted() -> None:
    blocks = [Block(after(end), NOTHING, replace(NOTHING, requests=end)) for end in (15, 30, 60, 75)]
    assert answered(rollout(10, 0), blocks) == 15 + 30 + 60 + 75
    assert answered(rollout(10, 30), blocks) == 60 + 75
    assert answered(rollout(10, 31), blocks) == 75
    assert answered(rollout(10, 76), blocks) == 0


def test_the_very_same_blocks_are_compared_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[object] = []
    monkeypatch.setattr(decision, "compare", lambda blocks, settings: compared.append(blocks) or (FINE,))
    seen = look(20, 0)
    for at in (21, 24, 27):
        assert decide(rollout(10), SETTINGS, replace(seen, at=after(at))).findings == (FINE,)
    assert len(compared) == 1
    decide(rollout(10), SETTINGS, look(20, 0, 5))
    assert len(compared) == 2


@pytest.mark.parametrize(("weight", "step"), [(5, 10), (10, 10), (49, 10), (50, 50), (99, 50), (100, 100)])
def test_a_weight_set_by_hand_has_the_figures_of_the_step_it_passed(weight: int, step: int) -> None:
    assert step_of(weight, SETTINGS).weight == step


def test_a_weight_set_by_hand_goes_on_to_the_next_step() -> None:
    done = decide(rollout(15, 100), SETTINGS, look(200, 0, 100))
    assert (done.action, done.weight) == (Action.ADVANCE, 50)


def test_one_whose_promotion_was_reverted_answers_until_the_champion_is_back() -> None:
    reverted = replace(rollout(100), reverted=True)
    alone = decide(reverted, SETTINGS, look(500, requests=1000))
    assert (alone.action, alone.weight) == (Action.WAIT, 100)

    def beside(champion: Readiness) -> decision.Decision:
        return decide(reverted, SETTINGS, replace(look(500, requests=1000), champion=champion))

    starting = beside(Readiness(2, 1, None, 0, "b: ContainerCreating"))
    assert starting.action is Action.WAIT
    assert starting.reason.endswith("not back yet: 1 of 2 replicas are ready: b: ContainerCreating")
    assert beside(Readiness(2, 2, after(490.1), 0, "")).action is Action.WAIT
    back = beside(Readiness(2, 2, after(490), 0, ""))
    assert (back.action, back.weight) == (Action.ROLL_BACK, 0)
    assert back.reason == "its promotion was reverted: the champion before it is back"


@pytest.mark.parametrize("weight", [0, 10])
def test_a_commit_of_the_future_is_held_and_not_waited_for_in_silence(weight: int, findings: list[Finding]) -> None:
    ahead = replace(rollout(weight), began=after(3600), stepped=after(3600))
    held = decide(ahead, SETTINGS, look(100, 0, 1000))
    assert (held.action, held.weight) == (Action.HOLD, weight)
    assert held.reason.startswith("its commit is dated 3500 s ahead of the clock")
    assert decide(ahead, SETTINGS, look(3575, 0)).action is not Action.HOLD, "clocks differ a little"
    assert decide(ahead, SETTINGS, look(100, 0, restarts=3)).action is Action.ROLL_BACK


def test_one_that_almost_nothing_of_its_share_reaches_is_held_long_before_the_limit() -> None:
    """As by a route that is not applied: it is nobody's fault that anything shows."""

    def beside(champion: int, challenger: int, weight: int = 10, at: float = 160) -> decision.Decision:
        seen = look(at, 0, challenger, complaint="p: so it is")
        last = replace(seen.blocks[-1], champion=replace(NOTHING, requests=champion))
        return decide(rollout(weight, 100), SETTINGS, replace(seen, blocks=(seen.blocks[0], last)))

    held = beside(900, 49)
    assert (held.action, held.weight) == (Action.HOLD, 10)
    assert held.reason == (
        "it has answered 49 of 100 requests at 10 % in 60 s, and 49 have reached it of about 100 that its weight sends"
        " it; see whether its route is applied: p: so it is"
    )
    assert beside(900, 50).action is Action.WAIT
    assert beside(899, 0).action is Action.WAIT, "it may be chance"
    assert beside(900, 0, at=159).action is Action.WAIT, "the weight may be on its way"
    assert beside(0, 0, weight=100).action is Action.WAIT, "there is nobody to compare it with"
    assert beside(9000, 100).action is Action.ADVANCE, "what it answered suffices"
    quick = SETTINGS.model_dump()
    quick["steps"][0]["seconds"] = 5

    def early(at: float) -> Action:
        seen = look(at, 0)
        last = replace(seen.blocks[-1], champion=replace(NOTHING, requests=9000))
        return decide(
            rollout(10, 100), Canary.model_validate(quick), replace(seen, blocks=(seen.blocks[0], last))
        ).action

    assert early(129) is Action.WAIT, "what the gateway has not given up yet is counted nowhere"
    assert early(130) is Action.HOLD


def test_what_it_leaves_unanswered_reaches_it_and_is_no_answer(findings: list[Finding]) -> None:
    def hanging(unanswered: int) -> decision.Decision:
        seen = look(160, 0)
        counts = replace(NOTHING, requests=100, errors=unanswered + 1, unanswered=unanswered)
        last = Block(after(160), replace(NOTHING, requests=900), counts)
        return decide(rollout(10, 100), SETTINGS, replace(seen, blocks=(seen.blocks[0], last)))

    assert hanging(0).action is Action.ADVANCE
    waiting = hanging(60)
    assert (waiting.action, waiting.reason) == (Action.WAIT, "it has answered 40 of 100 requests at 10 % in 60 s")
    findings.append(Finding("errors", 60.0, 60.0, 0.001, 0.61, "details"))
    back = hanging(60)
    assert (back.action, back.weight) == (Action.ROLL_BACK, 0)
    assert back.reason == "it fails 61.0 % of its requests, and never answers 60 of them: details"
    assert hanging(0).reason == "61.0 % of its answers are 5xx: details"
