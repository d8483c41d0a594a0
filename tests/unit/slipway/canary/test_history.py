"""When a roll-out began and stepped, and what happened before it, out of a real repository."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime

import pytest

from slipway.canary import history
from slipway.canary.comparison import Finding
from slipway.errors import UsageError
from slipway.release.record import Challenger, Record
from tests.conftest import MODEL
from tests.toy_platform import IMAGES, PUBLISHED, git
from tests.unit.slipway.canary.conftest import BEGIN, CHALLENGER, CHAMPION, NEXT, Toy, record

FINDING = Finding("errors", 3.5, 60.0, 0.01, 0.012, "1.2 % of 500 answers are 5xx, beside 1.0 % of 4500.")


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(BEGIN + seconds, UTC)


def rollout(toy: Toy) -> history.Rollout | None:
    return history.rollout(toy.remote, toy.main, "production", MODEL)


def told(toy: Toy) -> list[tuple[str, str, int]]:
    found = history.events(toy.remote, toy.main, "production", MODEL)
    return [(event.action, event.release, event.weight) for event in found]


def test_no_challenger_no_roll_out(toy: Toy) -> None:
    assert rollout(toy) is None


def test_it_began_with_its_challenger_and_stepped_with_its_weight(toy: Toy) -> None:
    toy.commit(record(0), at=BEGIN)
    toy.commit(record(10), at=BEGIN + 60)
    toy.push("of something else", BEGIN + 70)
    newest = toy.commit({**record(10), "rejected": []}, at=BEGIN + 80)
    found = rollout(toy)
    assert found is not None
    assert (found.began, found.stepped, found.commit) == (moment(0), moment(60), newest)
    assert found.challenger.weight == 10


def test_another_challenger_begins_anew(toy: Toy) -> None:
    toy.commit(record(0), at=BEGIN)
    toy.commit(record(0, NEXT), at=BEGIN + 60)
    toy.commit(record(0), at=BEGIN + 120)
    found = rollout(toy)
    assert found is not None
    assert found.began == found.stepped == moment(120)


def test_a_weight_that_came_back_stepped_when_it_came(toy: Toy) -> None:
    for place, weight in enumerate((0, 10, 25, 10)):
        toy.commit(record(weight), at=BEGIN + place)
    found = rollout(toy)
    assert found is not None
    assert (found.began, found.stepped) == (moment(0), moment(3))


def test_a_merge_counts_when_it_was_merged(toy: Toy) -> None:
    """A pull request's commits may be days old when they become main."""
    git(toy.other, "checkout", "--quiet", "-b", "promote")
    toy.commit(record(0), at=BEGIN - 500)
    git(toy.other, "push", "--quiet", "--force", "origin", "HEAD~1:main")
    git(toy.other, "checkout", "--quiet", "-B", "main", "HEAD~1")
    git(toy.other, "merge", "--quiet", "--no-ff", "--message=Merge pull request 7", "promote")
    toy.amend(BEGIN)
    found = rollout(toy)
    assert found is not None
    assert found.began == moment(0)
    assert told(toy)[0] == ("begin", CHALLENGER, 0)
    assert history.events(toy.remote, toy.main, "production", MODEL)[0].reason == "Merge pull request 7"


def test_what_nobody_can_read_names_file_and_commit(toy: Toy) -> None:
    commit = toy.commit("champion: nonsense\n")
    with pytest.raises(UsageError, match=rf"production/{MODEL}/release\.yaml at {commit[:12]} is not valid: champion"):
        rollout(toy)
    with pytest.raises(UsageError, match=r"staging/nope/release\.yaml is missing at"):
        history.rollout(toy.remote, toy.main, "staging", "nope")
    toy.commit(record(0), at=BEGIN + 60)
    found = rollout(toy)
    assert found is not None
    assert found.began == moment(60)


def test_events_of_trailers(toy: Toy) -> None:
    toy.commit(record(0), at=BEGIN)
    under_way = rollout(toy)
    assert under_way is not None
    lines = history.trailers(under_way, "advance", 10, [FINDING])
    said = "Give it 10 %\n\nIt was ready\nfor 10 s.\n\nErrors: none.\n\n" + "\n".join(lines)
    commit = toy.commit(record(10), said, BEGIN + 60)
    found = history.events(toy.remote, toy.main, "production", MODEL)[0]
    assert found == history.Event(
        "production", MODEL, CHALLENGER, IMAGES[1], "advance", 10, moment(60), commit, "Somebody",
        "It was ready for 10 s.", (FINDING,),
    )  # fmt: skip


def test_trailers_of_another_place_say_nothing_of_this_one(toy: Toy) -> None:
    lines = ["Slipway-Rollout: staging/other", "Slipway-Action: promote", "Slipway-Weight: 100", "Slipway-Evidence: ["]
    toy.commit(record(0), "Two at once\n\n" + "\n".join(lines))
    assert told(toy)[0] == ("begin", CHALLENGER, 0)
    assert history.events(toy.remote, toy.main, "production", MODEL)[0].evidence == ()


def test_events_of_what_people_do(toy: Toy) -> None:
    toy.commit(record(0), at=BEGIN)
    toy.commit(record(10), at=BEGIN + 1)
    git(toy.other, "revert", "--no-edit", "HEAD")
    git(toy.other, "revert", "--no-edit", "HEAD~2")
    toy.amend(BEGIN + 3)
    toy.commit(record(0, NEXT), at=BEGIN + 4)
    toy.commit(record(champion=NEXT), at=BEGIN + 5)
    rejected = {"release": CHALLENGER, "image": record(0)["challenger"]["image"], "at": "2026-11-30T00:00:00Z"}  # type: ignore[index]
    toy.commit(record(0, CHALLENGER, NEXT), at=BEGIN + 6)
    toy.commit(
        f"champion: {{release: {NEXT}, image: 'sha256:{'3' * 64}'}}\nchallenger: null\n"
        f"rejected: [{{release: {CHALLENGER}, image: '{rejected['image']}', at: 2026-11-30T00:00:00Z, reason: bad}}]\n",
        at=BEGIN + 7,
    )
    toy.commit("nonsense", at=BEGIN + 8)
    assert told(toy) == [
        ("edit", "", 0),
        ("roll back", CHALLENGER, 0),
        ("begin", CHALLENGER, 0),
        ("promote", NEXT, 100),
        ("begin", NEXT, 0),
        ("withdraw", CHALLENGER, 0),
        ("advance", CHALLENGER, 0),
        ("advance", CHALLENGER, 10),
        ("begin", CHALLENGER, 0),
        ("begin", CHAMPION, 100),
    ]
    assert len(history.events(toy.remote, toy.main, "production", MODEL, most=3)) == 3


def test_the_same_in_other_words_is_no_event(toy: Toy) -> None:
    toy.commit(record(0), at=BEGIN)
    before, before_it = told(toy), toy.main
    toy.commit({**record(0), "rejected": []}, at=BEGIN + 1)
    assert toy.main != before_it
    assert told(toy) == before


def test_places_are_those_that_hold_a_record(toy: Toy) -> None:
    (toy.other / "gitops/envs/staging/empty").mkdir()
    (toy.other / "gitops/envs/staging/empty/settings.yaml").touch()
    toy.push("a model without a record")
    assert history.places(toy.remote, toy.main) == [("production", MODEL), ("staging", MODEL)]


def test_who_was_the_champion_before_its_promotion_was_reverted(toy: Toy) -> None:
    toy.commit(record(100))
    advanced = rollout(toy)
    assert advanced is not None
    assert not advanced.reverted
    toy.commit(record(champion=CHALLENGER), at=BEGIN + 60)
    toy.commit(record(100), at=BEGIN + 90)
    toy.commit(record(50), at=BEGIN + 95)
    found = rollout(toy)
    assert found is not None
    assert (found.reverted, found.began, found.stepped) == (True, moment(90), moment(95))
    toy.commit(record(10, release=NEXT), at=BEGIN + 120)
    following = rollout(toy)
    assert following is not None
    assert not following.reverted


def test_a_message_may_hold_anything_and_misleads_nobody(toy: Toy) -> None:
    lines = [
        f"Slipway-Rollout: production/{MODEL}",
        "Slipway-Action: advance",
        f"Slipway-Release: {CHALLENGER}",
        f"Slipway-Image: {IMAGES[1]}",
        "Slipway-Weight: 4000",
        'Slipway-Evidence: [{"aspect": 1, "e_value": "x", "threshold": 0, "champion": [], "said": 2}]',
    ]
    toy.commit(record(10), "with \x1e and \x1f\n\nand \x1e below \x1f.\n\n" + "\n".join(lines))
    found = history.events(toy.remote, toy.main, "production", MODEL)[0]
    assert (found.action, found.weight, found.evidence) == ("begin", 10, ())
    assert found.reason == "and \x1e below \x1f."
    under_way = rollout(toy)
    assert under_way is not None
    assert under_way.began == moment(0)


@pytest.mark.parametrize(
    ("action", "release", "image", "weight"),
    [
        ("promote", CHALLENGER, IMAGES[1], 100),
        ("roll back", CHALLENGER, IMAGES[1], 0),
        ("advance", NEXT, IMAGES[1], 10),
        ("advance", CHALLENGER, IMAGES[2], 10),
        ("advance", CHALLENGER, IMAGES[1], 50),
    ],
)
def test_trailers_that_release_yaml_belies_count_for_nothing(
    toy: Toy, action: str, release: str, image: str, weight: int
) -> None:
    toy.commit(record(0), at=BEGIN)
    lines = [
        f"Slipway-Rollout: production/{MODEL}",
        f"Slipway-Action: {action}",
        f"Slipway-Release: {release}",
        f"Slipway-Image: {image}",
        f"Slipway-Weight: {weight}",
        f"Slipway-Evidence: {json.dumps([asdict(FINDING)])}",
    ]
    toy.commit(record(10), "Trust me\n\n" + "\n".join(lines), BEGIN + 60)
    found = history.events(toy.remote, toy.main, "production", MODEL)[0]
    assert (found.action, found.release, found.weight, found.evidence) == ("advance", CHALLENGER, 10, ())


def test_another_image_of_the_champion_is_a_roll_out_of_its_own(toy: Toy) -> None:
    """Its weights, its promotion and its rollback are not those of the image that runs, nor of one before it."""

    def challenged(image: str, weight: int) -> Record:
        return Record(champion=PUBLISHED[CHAMPION], challenger=Challenger(release=CHAMPION, image=image, weight=weight))

    toy.commit(challenged(IMAGES[1], 10).model_dump(), at=BEGIN)
    toy.commit(challenged(IMAGES[2], 10).model_dump(), at=BEGIN + 60)
    found = rollout(toy)
    assert found is not None
    assert (found.began, found.stepped, found.reverted) == (moment(60), moment(60), False)
    assert found.named == f"{MODEL} {CHAMPION[:12]} in image 333333333333"
    toy.commit(challenged(IMAGES[2], 100).model_dump(), at=BEGIN + 90)
    toy.commit(challenged(IMAGES[2], 100).concluded().model_dump(), at=BEGIN + 120)
    events = history.events(toy.remote, toy.main, "production", MODEL)
    assert [(event.action, event.of, event.weight) for event in events[:4]] == [
        ("promote", (CHAMPION, IMAGES[2]), 100),
        ("advance", (CHAMPION, IMAGES[2]), 100),
        ("begin", (CHAMPION, IMAGES[2]), 10),
        ("begin", (CHAMPION, IMAGES[1]), 10),
    ]


def test_one_image_of_the_champion_is_taken_back_and_is_not_called_promoted(toy: Toy) -> None:
    challenger = Challenger(release=CHAMPION, image=IMAGES[1], weight=10)
    begun = Record(champion=PUBLISHED[CHAMPION], challenger=challenger)
    toy.commit(begun.model_dump(), at=BEGIN)
    under_way = rollout(toy)
    assert under_way is not None
    lines = history.trailers(under_way, "roll back", 0, [FINDING])
    after = begun.rolled_back("bad", moment(60)).model_dump()
    toy.commit(after, "Roll back\n\nBad.\n\n" + "\n".join(lines), BEGIN + 60)
    event = history.events(toy.remote, toy.main, "production", MODEL)[0]
    assert (event.action, event.of, event.evidence) == ("roll back", (CHAMPION, IMAGES[1]), (FINDING,))
