"""The words for where a roll-out is and how it goes."""

from __future__ import annotations

import pytest

from slipway.canary.comparison import Finding
from slipway.canary.decision import Action
from slipway.release.record import Published, Record
from slipway.status.standing import Standing, evidence, stage, state, verdict
from tests import rollouts
from tests.conftest import MODEL


@pytest.mark.parametrize(
    ("weight", "said", "number"),
    [
        (0, "before the first step", 0),
        (10, "step 1 of 4", 1),
        (100, "step 4 of 4", 4),
        (33, "33 % is no step of canary.yaml", 0),
    ],
)
def test_a_weight_is_a_step(weight: int, said: str, number: int) -> None:
    found = rollouts.standing(weight)
    assert (stage(found), found.number) == (said, number)
    assert found.step == (rollouts.canary().steps[number - 1] if number else None)


@pytest.mark.parametrize(
    ("weight", "said", "shadow"),
    [
        (0, "shadow, before the first step", True),
        (10, "step 1 of 4", False),
        (33, "33 % is no step of canary.yaml", False),
    ],
)
def test_a_challenger_is_a_shadow_until_it_answers_people(weight: int, said: str, shadow: bool) -> None:
    settings = rollouts.shadowing()
    found = rollouts.standing(weight, settings=settings)
    assert (stage(found), found.shadow) == (said, settings.shadow if shadow else None)


def test_without_a_roll_out_nothing_is_a_shadow() -> None:
    assert rollouts.standing(rollout=None, settings=rollouts.shadowing()).shadow is None
    assert rollouts.standing(0, settings=None).shadow is None


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (Action.WAIT, "waits"),
        (Action.HOLD, "holds"),
        (Action.ADVANCE, "goes on"),
        (Action.PROMOTE, "becomes champion"),
        (Action.ROLL_BACK, "is rolled back"),
    ],
)
def test_a_verdict_has_its_reason(action: Action, said: str) -> None:
    found = rollouts.standing(known=rollouts.seen(action))
    assert verdict(found) == f"{said}: 1,234 of 2,000 requests at 10 %"
    assert state(found) == said


def test_without_a_look_nothing_is_claimed() -> None:
    found = rollouts.standing()
    assert "could not be asked" in verdict(found)
    assert state(found) == "not known how it goes"


@pytest.mark.parametrize(
    ("champion", "said"),
    [
        (None, "nothing is in production yet"),
        (Published(release="a" * 64, image=None), "the champion runs outside Slipway"),
        (Published(release="a" * 64, image=f"sha256:{'1' * 64}"), "no roll-out is under way"),
    ],
)
def test_without_a_challenger(champion: Published | None, said: str) -> None:
    found = Standing("production", MODEL, Record(champion=champion, challenger=None), rollouts.canary())
    assert verdict(found) == state(found) == said
    assert stage(found) == ""


def test_a_fault_comes_before_everything() -> None:
    found = rollouts.standing(known=rollouts.seen(), faults=("release.yaml is nonsense.",))
    assert verdict(found) == "release.yaml is nonsense."


@pytest.mark.parametrize(
    ("e_value", "said"),
    [(0.2, "nothing against it"), (59.9, "something against it, not enough"), (60.0, "worse than the champion")],
)
def test_evidence_in_words(e_value: float, said: str) -> None:
    assert evidence(Finding("errors", e_value, 60.0, 0.0, 0.0, "")) == said
