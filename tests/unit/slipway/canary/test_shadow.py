"""Pairs out of the request log: whichever half comes first, however late or often, and in bounded memory."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from slipway.canary import shadow
from slipway.canary.shadow import PairBlock, Pairing, Stored, shadowed
from slipway.release.record import Challenger, Published
from slipway.rendering.canary import Canary, Shadow
from slipway.rendering.served import predictor_name
from slipway.request_log.events import Encoder
from slipway.request_log.personal import Redaction
from slipway.request_log.records import Answered, Record
from tests import request_records, rollouts
from tests.toy_platform import IMAGES, PUBLISHED, RELEASES

CHAMPION, CHALLENGER, OTHER = RELEASES
BEGAN = rollouts.rollout().began
FAR = BEGAN + timedelta(days=1)


def settings(**changes: object) -> Canary:
    fields = {"percent": 100, "pairs": 100, "differing": 0.01, "tolerance": 0.02, "limit_seconds": 600} | changes
    return rollouts.canary().model_copy(update={"shadow": Shadow.model_validate(fields), "block_seconds": 10})


def pairing(most: int = 1000) -> Pairing:
    return Pairing(rollouts.rollout(0), settings(), most)


def answered(identity: str, *scores: float) -> Answered:
    if len(scores) > 1:
        whole = request_records.wide(identity, len(scores))
        return Answered(identity, whole.time_ns, 0.1, None, whole.columns, list(scores), whole.decisions, "v2")
    return Answered(identity, request_records.NOON, 0.1, request_records.row(1), None, list(scores), [True], "v2")


def body(release: str, *records: Record, limit: int = 1 << 20, of: Published | None = None) -> bytes:
    name = predictor_name(of or PUBLISHED[release])
    served = replace(request_records.SERVED, release=release, predictor=name)
    pieces = Encoder(served, Redaction(request_records.FIELDS, None)).pieces(records, limit)
    return b"[" + b",".join(piece for _, piece in pieces) + b"]"


def stored(release: str, *records: Record, seconds: float = 1.0, identity: str = "") -> Stored:
    at = BEGAN + timedelta(seconds=seconds)
    return Stored(identity or f"{release[0]}-{seconds}-{records[0].id}", at, body(release, *records))


def counts(pairs: Pairing, until: datetime = FAR) -> tuple[int, int]:
    blocks = pairs.blocks(until)
    return sum(block.pairs for block in blocks), sum(block.differing for block in blocks)


@pytest.mark.parametrize("turned", [False, True])
def test_two_answers_to_one_request_are_a_pair(turned: bool) -> None:
    both = [
        stored(CHAMPION, answered("r1", 0.30), answered("r2", 0.50)),
        stored(CHALLENGER, answered("r1", 0.31), answered("r2", 0.55)),
    ]
    found = pairing()
    found.take(reversed(both) if turned else both)
    assert counts(found) == (2, 1)


def test_two_images_of_one_release_are_told_apart() -> None:
    begun = rollouts.rollout(0)
    challenger = Challenger(release=CHAMPION, image=IMAGES[1], weight=0)
    found = Pairing(replace(begun, record=begun.record.model_copy(update={"challenger": challenger})), settings())
    stranger = challenger.model_copy(update={"image": IMAGES[2]})
    records = answered("r1", 0.30), answered("r2", 0.50)
    turned = answered("r1", 0.30), answered("r2", 0.90)
    found.take([Stored("stranger", BEGAN, body(CHAMPION, *turned, of=stranger))])
    found.take([Stored("champion", BEGAN, body(CHAMPION, *records))])
    assert counts(found) == (0, 0)
    found.take([Stored("challenger", BEGAN, body(CHAMPION, *turned, of=challenger))])
    assert counts(found) == (2, 1)


def test_the_tolerance_is_of_one_score_and_may_be_reached() -> None:
    found = pairing()
    found.take([stored(CHAMPION, answered("a", 0.0)), stored(CHALLENGER, answered("a", 0.02))])
    found.take([stored(CHAMPION, answered("b", 0.0)), stored(CHALLENGER, answered("b", 0.0201))])
    assert counts(found) == (2, 1)


def test_others_and_what_only_one_answered_are_no_pairs() -> None:
    found = pairing()
    feedback = request_records.truth("r1", [1])
    found.take(
        [
            stored(CHAMPION, answered("r1", 0.3), answered("r2", 0.3)),
            stored(OTHER, answered("r1", 0.9)),
            stored(CHALLENGER, feedback),
            stored(CHALLENGER, answered("r3", 0.3)),
            Stored("broken", BEGAN, b"[{]"),
            Stored("odd", BEGAN, b'[{"type": "dev.slipway.inference.answered.v1", "subject": "r1", "data": 7}, 3]'),
        ]
    )
    assert counts(found) == (0, 0)
    found.take([stored(CHALLENGER, answered("r2", 0.3), seconds=2)])
    assert counts(found) == (1, 0)


def test_a_message_that_comes_again_changes_nothing() -> None:
    one, other = stored(CHAMPION, answered("r1", 0.3)), stored(CHALLENGER, answered("r1", 0.9))
    found = pairing()
    found.take([one, one, other, one, other])
    assert counts(found) == (1, 1)
    assert found.reused == 0


def test_an_id_that_is_used_again_counts_no_more() -> None:
    found = pairing()
    found.take([stored(CHAMPION, answered("same", 0.1)), stored(CHAMPION, answered("same", 0.2), seconds=2)])
    found.take([stored(CHALLENGER, answered("same", 0.2)), stored(CHALLENGER, answered("same", 0.1), seconds=2)])
    assert counts(found) == (0, 0)
    assert found.reused == 3


def test_a_request_of_several_rows_is_one_pair_also_in_pieces() -> None:
    scores = [number / 100 for number in range(40)]
    turned = [*scores[:-1], 0.9]
    found = pairing()
    at = BEGAN + timedelta(seconds=3)
    whole = Stored("whole", at, body(CHAMPION, answered("wide", *scores), answered("also", *scores)))
    pieces = Stored("pieces", at, body(CHALLENGER, answered("wide", *scores), answered("also", *turned), limit=900))
    assert pieces.body.count(b"first_row") > 4
    found.take([pieces, whole])
    assert counts(found) == (2, 1)


def test_another_number_of_rows_differs() -> None:
    found = pairing()
    found.take([stored(CHAMPION, answered("r", 0.1, 0.2)), stored(CHALLENGER, answered("r", 0.1, 0.2, 0.3))])
    assert counts(found) == (1, 1)


def test_a_pair_counts_when_its_later_half_came_and_in_a_block_that_is_over() -> None:
    found = pairing()
    found.take(
        [
            stored(CHAMPION, answered("r1", 0.1), answered("r2", 0.1), seconds=1),
            stored(CHALLENGER, answered("r1", 0.1), seconds=9),
            stored(CHALLENGER, answered("r2", 0.9), seconds=31),
        ]
    )
    ends = [BEGAN + timedelta(seconds=10), BEGAN + timedelta(seconds=40)]
    assert found.blocks(FAR) == (PairBlock(ends[0], 1, 0), PairBlock(ends[1], 1, 1))
    assert found.blocks(ends[1] - timedelta(seconds=1)) == (PairBlock(ends[0], 1, 0),)
    assert found.blocks(ends[0] - timedelta(seconds=1)) == ()


@pytest.mark.parametrize("seed", range(5))
def test_any_order_and_any_repetition_finds_the_same_pairs(seed: int) -> None:
    chance = random.Random(seed)
    scores = {f"r{number}": chance.random() for number in range(200)}
    differ = set(chance.sample(sorted(scores), 30))
    messages = []
    for release in (CHAMPION, CHALLENGER):
        names = chance.sample(sorted(scores), len(scores))
        for start in range(0, len(names), 7):
            worse = 0.5 if release == CHALLENGER else 0.0
            part = [answered(name, scores[name] + worse * (name in differ)) for name in names[start : start + 7]]
            messages.append(stored(release, *part, identity=f"{release[0]}{start}"))
    messages += chance.sample(messages, 20)
    chance.shuffle(messages)
    found = pairing()
    found.take(messages)
    assert counts(found) == (200, 30)


def test_memory_is_bounded_and_the_oldest_go_first() -> None:
    found = pairing(most=50)
    for number in range(500):
        found.take([stored(CHAMPION, answered(f"r{number}", 0.1), identity=str(number))])
    assert len(found._requests) <= 50
    assert len(found._messages) <= 50
    found.take([stored(CHALLENGER, answered(f"r{number}", 0.1)) for number in range(500)])
    assert counts(found)[0] <= 50
    found.take([stored(CHAMPION, answered("new", 0.1)), stored(CHALLENGER, answered("new", 0.1))])
    assert counts(found)[0] >= 1


def blocks(shares: Sequence[int], of: int = 100) -> list[PairBlock]:
    return [PairBlock(BEGAN, of, differing) for differing in shares]


def test_more_that_differ_than_allowed_is_worse() -> None:
    found = shadowed(blocks([10, 10, 10]), settings())
    assert found.pairs == 300
    assert found.finding is not None
    assert found.finding.worse
    assert found.finding.aspect == "shadow"
    assert found.differing == 30
    assert (found.finding.champion, found.finding.challenger) == (0.01, 0.1)
    assert "30 of 300 pairs have scores that differ by more than 0.02, 10.00%; allowed are 1.00%" in found.finding.said
    # Each of four aspects may raise its part of one in twenty.
    assert found.finding.threshold == pytest.approx(4 / 0.05)


def test_who_has_the_counts_from_the_loop_finds_what_it_found() -> None:
    seen = shadowed(blocks([3, 1, 4]), settings())
    assert seen.finding is not None
    assert shadow.found(300, 8, seen.finding.e_value, settings()) == seen
    assert shadow.found(0, 0, 0.0, settings()) == shadowed([], settings())


def test_evidence_stays_when_later_pairs_are_alike_and_nothing_is_said_of_nothing() -> None:
    assert shadowed([], settings()).finding is None
    once = shadowed(blocks([20]), settings()).finding
    later = shadowed(blocks([20, 0, 0, 0, 0]), settings()).finding
    assert once is not None
    assert later is not None
    assert later.e_value == once.e_value
    assert later.challenger == pytest.approx(0.04)


def test_false_alarms_stay_below_their_part_however_often_one_looks() -> None:
    chance = np.random.default_rng(20261130)
    allowed = settings()
    alarms = 0
    for _ in range(400):
        differing = chance.binomial(50, 0.01, size=40)
        found = shadowed(blocks([int(count) for count in differing], of=50), allowed).finding
        alarms += found is not None and found.worse
    # The e-value of a finding is the largest so far: one look at the end sees every alarm before.
    assert alarms / 400 <= 0.05 / 4 + 2 * (0.0125 * 0.9875 / 400) ** 0.5


def test_a_large_difference_is_found_soon() -> None:
    chance = np.random.default_rng(7)
    found = 0
    for _ in range(200):
        differing = chance.binomial(50, 0.05, size=20)
        finding = shadowed(blocks([int(count) for count in differing], of=50), settings()).finding
        found += finding is not None and finding.worse
    assert found >= 190


def test_a_roll_out_without_a_shadow_has_no_pairs() -> None:
    with pytest.raises(AssertionError):
        Pairing(rollouts.rollout(0), rollouts.canary())
