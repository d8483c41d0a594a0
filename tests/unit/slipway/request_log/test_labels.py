"""Labels come late, twice, contradicting, for nobody and of the wrong length; the answers get what holds."""

from __future__ import annotations

import datetime
import random
from pathlib import Path

import polars as pl
import pytest

from slipway.request_log.collector import Collected, store
from slipway.request_log.events import Encoder
from slipway.request_log.labels import join, label
from slipway.request_log.partitions import COMPACT_FILES, Store, answers, feedback
from slipway.request_log.personal import Redaction
from slipway.request_log.reading import Message
from slipway.request_log.records import Record
from tests.request_records import FIELDS, NOON, SERVED, answer, truth, wide

DAY_NS = 86_400 * 10**9


def message(batch: str, records: list[Record]) -> Message:
    pieces = Encoder(SERVED, Redaction(FIELDS, None)).pieces(records, 1 << 20)
    return Message(batch, b"[" + b",".join(piece for _, piece in pieces) + b"]")


@pytest.fixture
def target(tmp_path: Path) -> Store:
    return Store(tmp_path)


def collect(target: Store, batch: str, *records: Record) -> None:
    store([message(batch, list(records))], target, Collected())


def labelled(target: Store) -> pl.DataFrame:
    return pl.read_parquet(sorted((target.folder / "labelled").rglob("*.parquet"))).sort("id", "row")


def test_labels_reach_their_answers_by_request_and_row(target: Store) -> None:
    collect(target, "a", answer(1), wide("w", 3), answer(2))
    collect(target, "b", truth("r1", [True], reward=0.5), truth("w", [0, None, 1]))
    assert label(target) == {
        "labelled": 3, "rewarded": 1, "written": 1,
        "feedback": 2, "repeated": 0, "overruled": 0, "unknown": 0, "refused": 0,
    }  # fmt: skip
    found = labelled(target)
    assert found.select("id", "row", "truth", "reward").rows() == [
        ("r1", 0, 1.0, 0.5), ("w", 0, 0.0, None), ("w", 2, 1.0, None)
    ]  # fmt: skip
    assert found["input_count"].to_list() == [1, 0, 2]


def test_a_late_label_is_stored_with_the_day_of_the_answer(target: Store) -> None:
    collect(target, "a", answer(1))
    collect(target, "b", truth("r1", [1], NOON + 9 * DAY_NS))
    label(target)
    (file,) = (target.folder / "labelled").rglob("*.parquet")
    assert file.parent.name == "day=2025-11-24"
    assert labelled(target)["truth_time"].dt.date().to_list() == [datetime.date(2025, 12, 3)]


def test_a_label_that_came_before_its_answer_waits_for_it(target: Store) -> None:
    collect(target, "b", truth("r1", [1]))
    assert label(target)["unknown"] == 1
    collect(target, "a", answer(1))
    counts = label(target)
    assert (counts["unknown"], counts["labelled"]) == (0, 1)


def test_the_same_again_is_nothing_new_and_the_latest_wins(target: Store) -> None:
    collect(target, "a", answer(1), answer(2))
    collect(target, "b", truth("r1", [1], NOON + 5), truth("r2", [0], NOON), truth("r2", [0], NOON + 9))
    collect(target, "c", truth("r1", [0], NOON + 3))
    counts = label(target)
    assert (counts["repeated"], counts["overruled"], counts["feedback"]) == (1, 1, 4)
    assert labelled(target)["truth"].to_list() == [1.0, 0.0]


def test_a_wrong_number_of_labels_is_a_dead_letter_and_overrules_nothing(target: Store) -> None:
    collect(target, "a", wide("w", 3))
    collect(target, "b", truth("w", [1, 0, 1], NOON), truth("w", [0, 0], NOON + 1))
    counts = label(target)
    assert (counts["refused"], counts["labelled"]) == (1, 3)
    assert labelled(target)["truth"].to_list() == [1.0, 0.0, 1.0]
    (letter,) = (target.folder / "dead_letters").iterdir()
    assert "has 2 labels, and no answer with that id has as many rows" in letter.read_text()


def test_a_reward_alone_is_for_every_row_of_its_request(target: Store) -> None:
    collect(target, "a", wide("w", 2), answer(1))
    collect(target, "b", truth("w", [], reward=0.25), truth("r1", [], NOON, reward=1.0), truth("r1", [], NOON + 1, 0.0))
    counts = label(target)
    assert (counts["labelled"], counts["rewarded"], counts["refused"], counts["overruled"]) == (0, 3, 0, 1)
    found = labelled(target)
    assert found.select("id", "row", "truth", "reward").rows() == [
        ("r1", 0, None, 0.0), ("w", 0, None, 0.25), ("w", 1, None, 0.25)
    ]  # fmt: skip
    assert found["truth_time"].null_count() == found["truth_event"].null_count() == 3
    assert found["reward_event"].null_count() == 0


@pytest.mark.parametrize(
    ("with_label", "alone", "reward"),
    [
        ((NOON, 0.5), (NOON + 1, 0.25), 0.25),
        ((NOON + 1, 0.5), (NOON, 0.25), 0.5),
        ((NOON + 1, None), (NOON, 0.25), 0.25),
    ],
)
def test_the_later_reward_counts_and_takes_no_label_away(
    target: Store, with_label: tuple[int, float | None], alone: tuple[int, float], reward: float
) -> None:
    collect(target, "a", answer(1))
    collect(target, "b", truth("r1", [1], *with_label), truth("r1", [], *alone))
    assert label(target)["refused"] == 0
    assert labelled(target).select("truth", "reward").rows() == [(1.0, reward)]


def test_only_what_got_new_labels_is_written(target: Store) -> None:
    days = 6
    for day in range(days):
        collect(
            target, f"a{day}", answer(day, time_ns=NOON + day * DAY_NS), answer(10 + day, time_ns=NOON + day * DAY_NS)
        )
    collect(target, "b", *(truth(f"r{day}", [1]) for day in range(days)))
    assert label(target)["written"] == days
    before = inodes(target)
    assert label(target)["written"] == 0
    collect(target, "c", truth("r0", [1]), truth("nobody", [1]), answer(99, time_ns=NOON + 2 * DAY_NS))
    assert label(target)["written"] == 1, "the same label came again, later: its time and event are new"
    collect(target, "d", truth("r13", [0], NOON + 1))
    counts = label(target)
    assert (counts["written"], counts["labelled"]) == (1, days + 1)
    after = inodes(target)
    assert len(after) == days
    assert [day for day in before if before[day] != after[day]] == ["day=2025-11-24", "day=2025-11-27"]


def inodes(target: Store) -> dict[str, int]:
    return {file.parent.name: file.stat().st_ino for file in sorted((target.folder / "labelled").rglob("*.parquet"))}


def test_a_label_that_is_taken_back_leaves_its_file(target: Store) -> None:
    collect(target, "a", answer(1))
    collect(target, "b", truth("r1", [1]))
    label(target)
    collect(target, "c", truth("r1", [None], NOON + 1))
    counts = label(target)
    assert (counts["written"], counts["labelled"], labelled(target).height) == (1, 0, 0)
    assert label(target)["written"] == 0


def test_compaction_changes_no_label(target: Store) -> None:
    for number in range(COMPACT_FILES + 3):
        collect(target, f"a{number:03d}", answer(number))
        collect(target, f"b{number:03d}", truth(f"r{number}", [number % 2]))
        if number == COMPACT_FILES - 2:
            label(target)
    files = len(list((target.folder / "answers").rglob("*.parquet")))
    label(target)
    assert files > COMPACT_FILES, "the compacted file stands beside what it was made of"
    assert labelled(target)["truth"].to_list() == [
        float(int(one[1:]) % 2) for one in sorted(f"r{number}" for number in range(COMPACT_FILES + 3))
    ]
    assert label(target)["written"] == 0


def test_an_id_that_a_client_used_twice_labels_both(target: Store) -> None:
    collect(target, "a", answer(1, "same"), answer(2, "same", NOON + DAY_NS))
    collect(target, "b", truth("same", [1]))
    assert label(target)["labelled"] == 2


def test_feedback_taken_by_a_later_release_labels_the_answers_of_an_earlier_one(target: Store) -> None:
    collect(target, "a", answer(1))
    body = message("b", [truth("r1", [1])]).body.replace(b"c" * 64, b"d" * 64)
    store([Message("b", body)], target, Collected())
    assert label(target)["labelled"] == 1


def test_joining_twice_gives_equal_bytes_in_whatever_order_things_came(tmp_path: Path) -> None:
    records: list[Record] = [answer(number) for number in range(200)]
    labels: list[Record] = [truth(f"r{number % 150}", [number % 3], NOON + number) for number in range(300)]
    everything = [message(f"m{number:03d}", [record]) for number, record in enumerate([*records, *labels])]
    found = []
    for seed in range(2):
        target = Store(tmp_path / str(seed))
        random.Random(seed).shuffle(everything)
        for start in range(0, len(everything), 50):
            store(everything[start : start + 50], target, Collected())
        label(target)
        first = [file.read_bytes() for file in sorted((target.folder / "labelled").rglob("*.parquet"))]
        label(target)
        assert [file.read_bytes() for file in sorted((target.folder / "labelled").rglob("*.parquet"))] == first
        found.append(first)
        assert labelled(target).height == 150
    assert found[0] == found[1]


def test_join_is_a_function_of_answers_and_feedback(target: Store) -> None:
    collect(target, "a", answer(1), answer(2))
    collect(target, "b", truth("r2", [1]))
    rows, judged = join(answers(target.folder), feedback(target.folder).collect())
    assert rows.select("id", "truth").rows() == [("r2", 1.0)]
    assert judged.counts["unknown"] == 0
