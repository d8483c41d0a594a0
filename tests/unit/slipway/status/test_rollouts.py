"""Roll-outs put together from what Git says happened."""

from __future__ import annotations

import pytest

from slipway.canary.history import EDIT, WITHDRAW, Event
from slipway.status.rollouts import grouped, seconds
from tests import rollouts
from tests.rollouts import NOON, event, events
from tests.toy_platform import IMAGES, RELEASES

A, B, C = RELEASES


def outcomes(*told: Event, challenger: str | None = None) -> list[tuple[str, str]]:
    """Release and outcome of each roll-out, the oldest first, of events that are given oldest first."""
    now = rollouts.challenger(challenger) if challenger is not None else None
    return [(past.release, past.outcome) for past in reversed(grouped(reversed(told), now))]


def test_a_whole_life() -> None:
    found = grouped(events(), rollouts.challenger("d" * 64))
    assert [(past.release[0], past.outcome, past.good) for past in found] == [
        ("d", "under way", None), ("c", "rolled back", False), ("b", "became champion", True),
        ("a", "champion at once", True),
    ]  # fmt: skip
    assert [[each.weight for each in past.events] for past in found] == [[0, 10], [0, 10, 0], [0, 10, 100, 100], [100]]


def test_seconds_at_each_weight_end_with_the_roll_out() -> None:
    under_way, lost, won, _ = grouped(events(), rollouts.challenger("d" * 64))
    assert seconds(under_way, NOON) == [60.0, 60.0]
    assert seconds(lost, NOON) == [60.0, 60.0, None]
    assert seconds(won, NOON) == [60.0, 60.0, 60.0, None]


@pytest.mark.parametrize(
    ("told", "challenger", "found"),
    [
        ([event("begin", 0, 0, B), event("begin", 0, 1, C)], C, [(B, "replaced by another"), (C, "under way")]),
        ([event("begin", 0, 0, B), event("begin", 0, 1, B)], B, [(B, "replaced by another"), (B, "under way")]),
        ([event("begin", 0, 0, B), event(WITHDRAW, 0, 1, B)], None, [(B, "withdrawn by people")]),
        ([event("advance", 50, 0, B), event("promote", 100, 1, B)], None, [(B, "became champion")]),
        (
            [event("begin", 0, 0, B), event(EDIT, 0, 1, ""), event("begin", 0, 2, C)],
            C,
            [(B, "replaced by another"), ("", "edited by hand"), (C, "under way")],
        ),
        ([event("roll back", 0, 0, C)], None, [(C, "rolled back")]),
        ([], None, []),
    ],
)
def test_what_people_do_and_what_is_cut_off(
    told: list[Event], challenger: str | None, found: list[tuple[str, str]]
) -> None:
    assert outcomes(*told, challenger=challenger) == found


def test_a_reverted_promotion_makes_the_champion_a_challenger_with_all_of_the_traffic() -> None:
    told = [event("begin", 100, 0, A), event("begin", 0, 1, B), event("promote", 100, 2, B), event("begin", 100, 3, B)]
    before = [(A, "champion at once"), (B, "became champion")]
    assert outcomes(*told, challenger=B) == [*before, (B, "under way")]
    assert outcomes(*told, event("roll back", 0, 4, B)) == [*before, (B, "rolled back")]


def test_two_images_of_one_release_are_two_roll_outs() -> None:
    told = [event("begin", 100, 0, A, image=IMAGES[0]), event("begin", 0, 1, A), event("advance", 10, 2, A)]
    found = grouped(reversed(told), rollouts.challenger(A))
    assert [(past.of, past.outcome) for past in found] == [
        ((A, IMAGES[1]), "under way"),
        ((A, IMAGES[0]), "champion at once"),
    ]
    another = grouped(reversed([*told, event("begin", 0, 3, A, image=IMAGES[2])]), rollouts.challenger(A, IMAGES[2]))
    assert [past.outcome for past in another] == ["under way", "replaced by another", "champion at once"]
