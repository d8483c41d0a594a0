"""What an environment runs, and what a promotion makes of it; tests/faults/test_champion_record.py has broken ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from slipway.errors import UsageError
from slipway.release.record import Challenger, Published, Record, Rejected

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
IMAGE, OTHER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
NOTHING = Record(champion=None, challenger=None)
NOW = datetime(2026, 11, 30, 10, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
RUNS_A = Record(champion=Published(release=A, image=IMAGE), challenger=None)


def test_the_first_release_is_the_champion_at_once() -> None:
    assert NOTHING.promoted(Published(release=A, image=IMAGE)) == RUNS_A
    elsewhere = Record(champion=Published(release=B, image=None), challenger=None)
    assert elsewhere.promoted(Published(release=A, image=IMAGE)) == RUNS_A


def test_the_next_one_is_a_challenger_without_traffic() -> None:
    after = RUNS_A.promoted(Published(release=B, image=OTHER))
    assert after.champion == RUNS_A.champion
    assert after.challenger == Challenger(release=B, image=OTHER, weight=0)


def test_a_newer_challenger_takes_the_place_of_the_older() -> None:
    with_b = Record(champion=RUNS_A.champion, challenger=Challenger(release=B, image=IMAGE, weight=25))
    assert with_b.promoted(Published(release=C, image=OTHER)).challenger == Challenger(release=C, image=OTHER, weight=0)


def test_what_runs_stays_as_it_is() -> None:
    with_b = Record(champion=RUNS_A.champion, challenger=Challenger(release=B, image=OTHER, weight=25))
    assert with_b.promoted(Published(release=B, image=OTHER)) is with_b
    assert with_b.promoted(Published(release=A, image=IMAGE)) is with_b


def test_the_champion_in_a_new_image_is_a_challenger_without_traffic() -> None:
    after = RUNS_A.promoted(Published(release=A, image=OTHER))
    assert after == Record(champion=RUNS_A.champion, challenger=Challenger(release=A, image=OTHER, weight=0))
    assert after.advanced(100).concluded().champion == Published(release=A, image=OTHER)


def test_a_challenger_in_a_new_image_begins_anew() -> None:
    with_b = Record(champion=RUNS_A.champion, challenger=Challenger(release=B, image=IMAGE, weight=25))
    assert with_b.promoted(Published(release=B, image=OTHER)).challenger == Challenger(release=B, image=OTHER, weight=0)


def test_the_champion_itself_is_no_challenger() -> None:
    with pytest.raises(ValidationError, match="challenger is the champion itself"):
        Record(champion=RUNS_A.champion, challenger=Challenger(release=A, image=IMAGE, weight=0))


def test_what_is_held_is_a_release_in_its_image_and_what_is_known_a_release() -> None:
    assert RUNS_A.holds(Published(release=A, image=IMAGE))
    assert not RUNS_A.holds(Published(release=A, image=OTHER))
    assert (RUNS_A.knows(A), RUNS_A.knows(B)) == (True, False)
    assert WITH_B.rolled_back("slow", LATER).knows(B)
    assert not Record(champion=Published(release=A, image=None), challenger=None).knows(A)


def test_a_rejection_is_of_the_image_too() -> None:
    once = WITH_B.rolled_back("slow", LATER)
    assert once.rejection(Published(release=B, image=IMAGE)) is None
    twice = once.promoted(Published(release=B, image=IMAGE)).rolled_back("slower", LATER)
    assert [it.reason for it in twice.rejections(B)] == ["slower", "slow"]
    rejected = twice.rejection(Published(release=B, image=OTHER))
    assert rejected is not None
    assert rejected.reason == "slow"


@pytest.mark.parametrize(
    "champion", [None, Published(release=A, image=None), Published(release=B, image=IMAGE)], ids=str
)
def test_a_challenger_needs_another_champion_that_runs(champion: Published | None) -> None:
    with pytest.raises(ValidationError, match="challenger"):
        Record(champion=champion, challenger=Challenger(release=B, image=IMAGE, weight=0))


@pytest.mark.parametrize("weight", [-1, 101, 0.5, "10"])
def test_a_weight_is_a_whole_percentage(weight: object) -> None:
    with pytest.raises(ValidationError):
        Challenger(release=B, image=IMAGE, weight=weight)  # type: ignore[arg-type]


WITH_B = RUNS_A.promoted(Published(release=B, image=OTHER))


def test_a_roll_out_moves_the_weight_and_ends_as_champion() -> None:
    moved = WITH_B.advanced(25)
    assert moved.challenger == Challenger(release=B, image=OTHER, weight=25)
    assert moved.concluded() == Record(champion=Published(release=B, image=OTHER), challenger=None)


def test_a_rollback_leaves_the_champion_and_says_why() -> None:
    after = WITH_B.advanced(25).rolled_back("it answers 5 % errors", LATER)
    assert (after.champion, after.challenger) == (RUNS_A.champion, None)
    expected = Rejected(release=B, image=OTHER, at=LATER, reason="it answers 5 % errors")
    assert after.rejection(Published(release=B, image=OTHER)) == expected
    assert after.rejection(Published(release=A, image=IMAGE)) is None
    assert after.promoted(Published(release=C, image=IMAGE)).rejected == after.rejected


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    for record in (NOTHING, WITH_B, WITH_B.rolled_back("slow: " * 40, LATER)):
        record.write(tmp_path / "release.yaml")
        assert Record.read(tmp_path / "release.yaml") == record


def test_aliases_that_write_out_as_more_than_any_memory_takes() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{place}: &a{place} [{', '.join([f'*a{place - 1}'] * 9)}]" for place in range(1, 20)]
    with pytest.raises(UsageError, match=r"champion is \[\[\[\[\.\.\.\]") as caught:
        Record.parse("\n".join([*lines, "champion: *a19", "challenger: null"]).encode(), "release.yaml")
    assert len(caught.value.what) < 2000


@pytest.mark.parametrize(
    "value",
    ["2026-99-99", "0001-01-01T00:00:00+23:59", "9" * 5000, "!!bool maybe", "!!timestamp soon", "!!int ''", "!!float x",
     "[" * 5000, "{[a]: b}", "!!python/name:os.system"],
)  # fmt: skip
def test_values_that_are_not_what_they_look_like(value: str) -> None:
    with pytest.raises(UsageError, match=r"release\.yaml is not valid"):
        Record.parse(f"champion: {value}\nchallenger: null\n".encode(), "release.yaml")
