"""Watching: again and again, until what was seen under way is over, and what that comes to."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from slipway.adapters.git import GitFault, Remote
from slipway.canary.history import Chosen, Event
from slipway.status import watch
from slipway.status.outlook import Outlook
from slipway.status.rollouts import grouped
from slipway.status.standing import Standing, Status
from slipway.status.watch import Looker, RolledBack, Watched
from tests import rollouts
from tests.rollouts import NOON, event
from tests.toy_platform import IMAGES, RELEASES, ToyPlatform

A, B, C = RELEASES


def status(standing: Standing) -> Status:
    return Status("platform", rollouts.COMMIT, (standing,))


def under_way() -> Status:
    return status(rollouts.standing())


def over(*told: Event) -> Status:
    """Nothing is under way; these events, oldest first, are known."""
    return status(replace(rollouts.standing(), rollout=None, past=grouped(reversed(told), None)))


def test_a_good_end_ends_it() -> None:
    watched = Watched()
    assert not watched.note(under_way())
    assert not watched.note(under_way())
    assert watched.note(over(event("begin", 0, 0), event("promote", 100, 1)))
    watched.judge()


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ([event("begin", 0, 0), event("roll back", 0, 1, reason="Too slow.")], "was rolled back: Too slow."),
        ([event("begin", 0, 0), event("withdraw", 0, 1)], "was withdrawn by people"),
        ([], "the challenger is gone, and Git does not say why"),
    ],
)
def test_another_end_is_told(told: list[Event], said: str) -> None:
    watched = Watched()
    watched.note(under_way())
    assert watched.note(over(*told))
    with pytest.raises(RolledBack, match=said) as raised:
        watched.judge()
    assert raised.value.exit_code == 1
    assert f"production/flight_delay: {B[:12]}" in str(raised.value) or not told


def test_where_nothing_is_under_way_one_waits_for_it() -> None:
    watched = Watched()
    past = [event("begin", 0, 0), event("roll back", 0, 1)]
    assert not watched.note(over(*past))
    assert not watched.note(over(*past))
    watched.judge()


def test_what_takes_the_place_of_a_challenger_is_watched_too() -> None:
    watched = Watched()
    watched.note(under_way())
    record = rollouts.rollout().record
    assert record.challenger is not None
    other = record.model_copy(update={"challenger": record.challenger.model_copy(update={"release": C})})
    told = [event("begin", 0, 0), event("begin", 0, 1, C)]
    newer = replace(
        rollouts.standing(),
        rollout=replace(rollouts.rollout(), record=other),
        past=grouped(reversed(told), rollouts.challenger(C)),
    )
    assert not watched.note(status(newer))
    assert watched.note(over(*told, event("promote", 100, 2, C)))
    with pytest.raises(RolledBack, match=f"{B[:12]} was replaced by another"):
        watched.judge()


def test_another_image_of_the_release_is_another_roll_out() -> None:
    watched = Watched()
    watched.note(under_way())
    record = rollouts.rollout().record
    assert record.challenger is not None
    other = record.model_copy(update={"challenger": rollouts.challenger(B, IMAGES[2])})
    told = [event("begin", 0, 0), event("begin", 0, 1, image=IMAGES[2])]
    newer = replace(
        rollouts.standing(),
        rollout=replace(rollouts.rollout(), record=other),
        past=grouped(reversed(told), other.challenger),
    )
    assert not watched.note(status(newer))
    assert watched.note(over(*told, event("promote", 100, 2, image=IMAGES[2])))
    assert [past.outcome for _, past in watched.ended if past is not None] == ["replaced by another", "became champion"]


@pytest.fixture
def looker(toy: ToyPlatform) -> Looker:
    return Looker(Remote(toy.top, "platform"), Chosen(), Outlook(None, "there is none"), "platform")


def test_a_remote_that_goes_away_later_is_told_and_waited_for(toy: ToyPlatform, looker: Looker) -> None:
    slept: list[float] = []
    clock: Iterator[datetime] = (NOON + timedelta(seconds=number) for number in range(100))
    looks = watch.statuses(looker, Watched(), lambda: next(clock), slept.append)
    first = next(looks)
    assert [each.who for each in first.unasked] == ["Kubernetes", "Prometheus"]
    kept = toy.bare.rename(toy.bare.with_suffix(".away"))
    away = next(looks)
    assert [each.who for each in away.unasked] == ["Git", "Kubernetes", "Prometheus"]
    assert away.standings == first.standings
    assert [each.who for each in next(looks).unasked] == ["Git", "Kubernetes", "Prometheus"]
    kept.rename(toy.bare)
    commit = toy.change_main("params.yaml", "models: {a: {}}\n")
    assert (next(looks).commit, slept) == (commit, [2.0] * 3)


def test_a_remote_that_is_away_at_first_is_a_fault(toy: ToyPlatform, looker: Looker) -> None:
    shutil.rmtree(toy.bare)
    with pytest.raises(GitFault):
        next(watch.statuses(looker, Watched()))


def test_history_is_read_again_only_when_main_has_moved(
    toy: ToyPlatform, looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    looker.look(NOON)
    with monkeypatch.context() as patch:
        patch.setattr(watch.repository, "read", lambda *_: pytest.fail("it was read again"))
        looker.look(NOON)
    toy.change_main("params.yaml", "models: {a: {}}\n")
    with monkeypatch.context() as patch:
        patch.setattr(watch.repository, "read", lambda *_: ())
        assert looker.look(NOON).standings == ()
