"""What Prometheus tells is counted exactly, once, and the same by whoever begins anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from slipway.adapters.prometheus import Prometheus
from slipway.canary import sighting
from slipway.canary.observation import Block, Rollout
from slipway.canary.sighting import Sight
from slipway.release.record import Challenger, Record
from slipway.rendering.canary import Canary
from slipway.rendering.served import service_name
from slipway.serving.metrics import CLIENT_GONE, DURATION_BOUNDS, SCORE_BOUNDS
from tests.conftest import MODEL
from tests.fake_prometheus import FakePrometheus, Pod
from tests.toy_platform import IMAGES, PUBLISHED
from tests.unit.slipway.canary.conftest import BEGIN, CHALLENGER, CHAMPION, record
from tests.unit.slipway.canary.test_decision import SETTINGS

OLD, NEW = service_name(MODEL, PUBLISHED[CHAMPION]), service_name(MODEL, PUBLISHED[CHALLENGER])
BLOCK = SETTINGS.block_seconds


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(BEGIN + seconds, UTC)


def rollout(began: float = 0.0) -> Rollout:
    return Rollout("production", MODEL, Record.model_validate(record(10)), at(began), at(began), "c" * 40)


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    """One that has scraped a champion's two pods for long, and a challenger's since shortly after the beginning."""
    pods = [
        Pod(OLD, "old-a", BEGIN - 1000, rate=90),
        Pod(OLD, "old-b", BEGIN - 1000, rate=10, errors=0.5),
        Pod(NEW, "new-a", BEGIN + 5, rate=7, errors=0.1, seconds=0.5, score=0.99),
    ]
    with FakePrometheus(pods) as running:
        yield running


def look(
    running: FakePrometheus, seconds: float, sight: Sight | None = None
) -> tuple[tuple[Block, ...], datetime | None]:
    running.clock = lambda: BEGIN + seconds
    seen = (sight or Sight(Prometheus(running.url))).look(rollout(), SETTINGS, at(seconds))
    return seen.blocks, seen.gap


def total(blocks: tuple[Block, ...], side: str) -> tuple[int, int]:
    counts = [getattr(block, side) for block in blocks]
    return sum(each.requests for each in counts), sum(each.errors for each in counts)


def test_blocks_are_what_was_answered_in_them(prometheus: FakePrometheus) -> None:
    blocks, gap = look(prometheus, 47)
    assert gap is None
    assert [block.end for block in blocks] == [at(15), at(30), at(45)]
    first, second, _ = blocks
    assert (first.champion.requests, first.champion.errors) == (1500, 75)
    assert first.challenger.requests == 7 * 10, "it was there for ten of the seconds"
    assert second.challenger.requests == 7 * 15
    assert second.champion.durations[DURATION_BOUNDS.index(min(b for b in DURATION_BOUNDS if b >= 0.003))] == 1500
    assert sum(second.champion.durations) == sum(second.champion.scores) == 1500
    assert second.challenger.scores[SCORE_BOUNDS.index(min(b for b in SCORE_BOUNDS if b >= 0.99))] == 105
    assert (len(second.champion.durations), len(second.champion.scores)) == (
        len(DURATION_BOUNDS) + 1, len(SCORE_BOUNDS) + 1,
    )  # fmt: skip


def test_what_was_never_answered_has_failed(prometheus: FakePrometheus) -> None:
    prometheus.pods[2].unanswered = 0.2
    blocks, _ = look(prometheus, 62)
    second = blocks[1].challenger
    assert (second.requests, second.unanswered) == (105, 21)
    assert second.errors == 10 + 21, "the others are 5xx"
    assert {block.champion.unanswered for block in blocks} == {0}
    assert str(CLIENT_GONE) == sighting._UNANSWERED


def test_nothing_before_the_first_block_is_over(prometheus: FakePrometheus) -> None:
    for seconds in (0, 3, 14.9):
        assert look(prometheus, seconds) == ((), None)


def test_a_block_waits_until_all_have_been_scraped_since(prometheus: FakePrometheus) -> None:
    assert len(look(prometheus, 15.1)[0]) == 1, "all were scraped at its very end"
    prometheus.pods[2].end = BEGIN + 10
    prometheus.pods.append(replace(prometheus.pods[2], name="slow", end=BEGIN + 11))
    assert len(look(prometheus, 15.1)[0]) == 1, "they are gone, and not waited for"


def test_looking_often_asks_for_what_is_new_only(prometheus: FakePrometheus) -> None:
    sight = Sight(Prometheus(prometheus.url))
    look(prometheus, 600, sight)
    prometheus.asked.clear()
    first = look(prometheus, 601, sight)[0]
    assert prometheus.asked == []
    assert look(prometheus, 602, sight)[0] is first
    look(prometheus, 616, sight)
    assert prometheus.asked == [1, 1, 1]


def test_whoever_begins_anew_counts_the_same(prometheus: FakePrometheus) -> None:
    prometheus.pods[0].restarts = (BEGIN + 62,)
    prometheus.pods[1].end = BEGIN + 100
    prometheus.pods.append(Pod(OLD, "old-c", BEGIN + 101, rate=33))
    prometheus.pods[2].blind = (BEGIN + 90, BEGIN + 200)
    sight = Sight(Prometheus(prometheus.url))
    for seconds in range(1, 400, 3):
        often = look(prometheus, seconds, sight)
        if seconds % 60 == 1:
            assert often == look(prometheus, seconds)
    assert often == look(prometheus, seconds)


def test_a_counter_that_begins_anew_is_counted_on(prometheus: FakePrometheus) -> None:
    prometheus.pods[2].restarts = (BEGIN + 33,)
    blocks, _ = look(prometheus, 62)
    lost = 7 * 3  # between a block's end and the restart: nobody has told of them
    assert [block.challenger.requests for block in blocks] == [70, 105, 105 - lost, 105]


def test_a_pod_that_comes_later_counts_from_nothing_and_one_that_goes_keeps_its_share(
    prometheus: FakePrometheus,
) -> None:
    prometheus.pods[0].end = BEGIN + 31
    prometheus.pods.append(Pod(OLD, "old-c", BEGIN + 40, rate=90))
    blocks, _ = look(prometheus, 62)
    assert [block.champion.requests for block in blocks] == [1500, 1500, 150 + 90 * 5, 1500]


def test_what_was_not_scraped_for_a_while_is_counted_once_it_is(prometheus: FakePrometheus) -> None:
    prometheus.pods[2].blind = (BEGIN + 20, BEGIN + 50)
    blocks, gap = look(prometheus, 62)
    assert gap is None
    assert [block.challenger.requests for block in blocks] == [70, 0, 0, 70 + 35 + 210]


def test_a_blind_prometheus_makes_a_gap_and_no_block(prometheus: FakePrometheus) -> None:
    sight = Sight(Prometheus(prometheus.url))
    look(prometheus, 20, sight)
    for each in prometheus.pods:
        each.blind = (BEGIN + 20, BEGIN + 90)
    blocks, gap = look(prometheus, 80, sight)
    assert ([block.end for block in blocks], gap) == ([at(15)], at(20))
    blocks, gap = look(prometheus, 106, sight)
    assert gap is None
    assert [block.end for block in blocks] == [at(15), at(90), at(105)]
    assert [block.champion.requests for block in blocks] == [1500, 7500, 1500]
    assert [block.challenger.requests for block in blocks] == [70, 525, 105]
    assert look(prometheus, 106)[0] == blocks


def test_one_that_saw_nothing_at_the_beginning_counts_from_what_it_sees_first(prometheus: FakePrometheus) -> None:
    for each in prometheus.pods:
        each.blind = (BEGIN - 2000, BEGIN + 60)
    blocks, gap = look(prometheus, 91)
    assert gap is None
    assert [(block.end, block.champion.requests, block.challenger.requests) for block in blocks] == [
        (at(75), 1500, 105),
        (at(90), 1500, 105),
    ]


def test_one_that_is_away_is_a_gap_since_it_saw_the_champion(prometheus: FakePrometheus) -> None:
    sight = Sight(Prometheus(prometheus.url))
    before = look(prometheus, 20, sight)[0]
    prometheus.away = True
    assert look(prometheus, 50, sight) == (before, at(20))
    assert look(prometheus, 50) == ((), at(0)), "who begins anew then knows of nothing since the beginning"
    prometheus.away = False
    assert len(look(prometheus, 50, sight)[0]) == 3


def test_a_server_of_fewer_buckets_is_compared_by_those(
    prometheus: FakePrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    coarse = DURATION_BOUNDS[::4]
    samples = Pod.samples

    def fewer(self: Pod, moment: float, namespace: str) -> Iterator[object]:
        for sample in samples(self, moment, namespace):
            le = sample[1].get("le", "+Inf")
            if self.service == NEW or "duration" not in sample[0] or le == "+Inf" or float(le) in coarse:
                yield sample

    monkeypatch.setattr(Pod, "samples", fewer)
    blocks, _ = look(prometheus, 31)
    upper = min(bound for bound in coarse if bound >= 0.003), min(bound for bound in coarse if bound >= 0.5)
    assert blocks[1].champion.durations[DURATION_BOUNDS.index(upper[0])] == 1500
    assert blocks[1].challenger.durations[DURATION_BOUNDS.index(upper[1])] == 105


def test_another_challenger_is_counted_anew(prometheus: FakePrometheus) -> None:
    sight = Sight(Prometheus(prometheus.url))
    look(prometheus, 100, sight)
    again = sight.look(rollout(began=60), SETTINGS, at(100))
    assert [block.end for block in again.blocks] == [at(75), at(90)]
    longer = Canary.model_validate(SETTINGS.model_dump() | {"block_seconds": 30})
    assert [block.end for block in sight.look(rollout(), longer, at(100)).blocks] == [at(30), at(60), at(90)]
    sight.forget([])
    prometheus.asked.clear()
    look(prometheus, 100, sight)
    assert prometheus.asked == [7, 7, 7]


def test_blocks_of_a_long_roll_out_are_longer(prometheus: FakePrometheus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sighting, "_ALIKE", 4)
    monkeypatch.setattr(sighting, "_ASKED", 3)
    sight = Sight(Prometheus(prometheus.url))
    blocks = look(prometheus, 15 * (4 + 8 + 16) + 61, sight)[0]
    ends = [0, 15, 30, 45, 60, 90, 120, 150, 180, 240, 300, 360, 420]
    assert [block.end for block in blocks] == [at(end) for end in ends[1:]]
    assert [block.champion.requests for block in blocks] == [100 * (end - ends[i]) for i, end in enumerate(ends[1:])]
    assert look(prometheus, 15 * (4 + 8 + 16) + 121, sight)[0][-1].end == at(540)
    often = Sight(Prometheus(prometheus.url))
    for seconds in range(1, 560, 7):
        seen = look(prometheus, seconds, often)[0]
        assert [block.end for block in seen] == [at(end) for end in [*ends[1:], 540] if end <= seconds]
    assert look(prometheus, 559)[0] == seen


@pytest.mark.parametrize("number", [0, 1, 999, 1000, 1001, 2000, 2001, 3000, 5000, 12345])
def test_the_number_of_a_block_and_its_end_belong_together(number: int) -> None:
    key = sighting._Key("production", (OLD, NEW), BEGIN, 15)
    assert key.over_at(key.end_of(number)) == number
    assert key.over_at(key.end_of(number) + 14) == number
    assert key.over_at(key.end_of(number + 1) - 1) == number
    assert key.over_at(BEGIN - 1) == -1
    assert key.over_at(BEGIN + 7 * 86_400) < 6000, "a week"


def test_two_images_of_one_release_are_counted_apart(prometheus: FakePrometheus) -> None:
    usual, _ = look(prometheus, 100)
    challenger = Challenger(release=CHAMPION, image=IMAGES[1], weight=10)
    prometheus.pods[-1] = replace(prometheus.pods[-1], service=service_name(MODEL, challenger))
    begun = rollout()
    same = replace(begun, record=begun.record.model_copy(update={"challenger": challenger}))
    blocks = Sight(Prometheus(prometheus.url)).look(same, SETTINGS, at(100)).blocks
    assert blocks == usual
    assert total(blocks, "challenger")[0] > 0
