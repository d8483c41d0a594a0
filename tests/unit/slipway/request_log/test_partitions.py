"""Each batch is in a partition once, whatever was killed; a reader sees it wholly or not at all."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from slipway.errors import EnvironmentFault
from slipway.request_log import partitions
from slipway.request_log.partitions import LIST, ColumnsDiffer, Store, answers, feedback
from slipway.request_log.reading import DeadLetter, Place

PLACE = Place("answers", "toy", "c" * 64, "2025-11-24")


def table(batch: str, rows: int = 3) -> pl.DataFrame:
    return pl.DataFrame(
        {"batch": [batch] * rows, "row": list(range(rows))}, schema={"batch": pl.String, "row": pl.Int64}
    )


def batches(folder: Path) -> list[str]:
    """The batches that a reader sees, one entry for each whole one."""
    found = answers(folder).group_by("batch").agg(pl.col("row")).sort("batch").collect()
    assert all(sorted(rows) == [0, 1, 2] for rows in found["row"].to_list())
    return found["batch"].to_list()


def partition(folder: Path) -> Path:
    (found,) = (folder / "answers").glob("*/*/*")
    return found


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_rows_come_back_with_their_partition(store: Store, tmp_path: Path) -> None:
    assert store.add(PLACE, [table("a"), table("b")]) == 6
    assert store.add(PLACE._replace(kind="feedback", day="2025-11-25"), [table("c")]) == 3
    assert batches(tmp_path) == ["a", "b"]
    found = answers(tmp_path).select("model", "release", pl.col("day").cast(pl.String)).unique().collect()
    assert found.rows() == [("toy", "c" * 64, "2025-11-24")]
    assert feedback(tmp_path).collect()["batch"].unique().to_list() == ["c"]


def test_a_batch_that_comes_again_is_not_added(store: Store, tmp_path: Path) -> None:
    store.add(PLACE, [table("b"), table("d")])
    assert store.add(PLACE, [table("a"), table("b")]) == 3
    assert store.add(PLACE, [table("c")]) == 3
    assert store.add(PLACE, [table("a"), table("b"), table("c"), table("d")]) == 0
    assert batches(tmp_path) == ["a", "b", "c", "d"]


def test_other_columns_are_refused_and_change_nothing(store: Store, tmp_path: Path) -> None:
    store.add(PLACE, [table("a")])
    with pytest.raises(ColumnsDiffer, match="are not those of the partition answers/model=toy"):
        store.add(PLACE, [table("b").with_columns(pl.col("row").cast(pl.Float64))])
    assert batches(tmp_path) == ["a"]


def test_compaction_leaves_one_file_and_the_old_ones_for_a_while(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"b{number:03d}" for number in range(partitions.COMPACT_FILES)]
    for name in names[:-1]:
        store.add(PLACE, [table(name)])
    early = answers(tmp_path)
    store.add(PLACE, [table(names[-1])])
    listed = json.loads((partition(tmp_path) / LIST).read_bytes())
    assert [entry["rows"] for entry in listed["files"]] == [3 * len(names)]
    assert batches(tmp_path) == names
    assert early.collect().height == 3 * (len(names) - 1), "a reader of the old list still finds its files"
    assert store.add(PLACE, [table(name) for name in names]) == 0
    monkeypatch.setattr(partitions, "KEPT_SECONDS", -1.0)
    store.sweep()
    assert len(list(partition(tmp_path).glob("*.parquet"))) == 1
    assert batches(tmp_path) == names


def test_what_a_killed_writer_left_is_cleared_and_never_read(store: Store, tmp_path: Path) -> None:
    store.add(PLACE, [table("a")])
    table("orphan").write_parquet(partition(tmp_path) / "orphan.parquet")
    (partition(tmp_path) / ".files.json.x.scratch").mkdir()
    assert batches(tmp_path) == ["a"]
    store.close()
    again = Store(tmp_path)
    assert len(list(partition(tmp_path).iterdir())) == 2
    assert again.add(PLACE, [table("orphan")]) == 3
    assert batches(tmp_path) == ["a", "orphan"]


def test_two_writers_are_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="Another collector writes into"):
        Store(tmp_path)
    store.close()
    Store(tmp_path).close()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match="cannot be written"):
        Store(tmp_path / "file" / "store")


def test_a_folder_without_answers_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="holds no answers"):
        answers(tmp_path)


def test_dead_letters_of_a_message_are_one_file_however_often_it_comes(store: Store, tmp_path: Path) -> None:
    letters = [
        DeadLetter("b/1", 0, "broken", b"\xff{"),
        DeadLetter("b/1", 4, "odd", b"{}"),
        DeadLetter("c", None, "x", b""),
    ]
    assert store.bury(letters) == 3
    assert store.bury(letters[:2]) == 2
    files = sorted((tmp_path / "dead_letters").iterdir())
    assert [re.sub("-[0-9a-f]{16}", "-sha256", file.name) for file in files] == ["b_1-sha256.json", "c.json"]
    assert json.loads(files[0].read_bytes()) == [
        {"event": 0, "reason": "broken", "content": "\\xff{"},
        {"event": 4, "reason": "odd", "content": "{}"},
    ]
