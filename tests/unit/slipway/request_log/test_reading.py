"""Messages become typed rows; anything that does not read is a dead letter with its reason, and holds up nothing."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.request_log.events import Encoder
from slipway.request_log.personal import Redaction
from slipway.request_log.reading import Message, Place, Read, read
from slipway.request_log.records import Record
from tests.request_records import DAY, FIELDS, NOON, SERVED, answer, answers, truth, wide

PLACE = Place("answers", "toy", "c" * 64, DAY)


def body(records: list[Record], limit: int = 1 << 20) -> bytes:
    pieces = Encoder(SERVED, Redaction(FIELDS, None)).pieces(records, limit)
    return b"[" + b",".join(piece for _, piece in pieces) + b"]"


def altered(change: Callable[[dict[str, Any]], object], record: Record | None = None) -> Read:
    """Two good events around one that was changed."""
    first, event, last = json.loads(body([answer(1), record or answer(2), answer(3)]))
    change(event)
    return read([Message("b", json.dumps([first, event, last]).encode())])


def test_answers_have_typed_columns() -> None:
    found = read([Message("b", body(answers(8)))])
    assert found.dead == []
    ((place, table),) = found.tables
    assert place == PLACE
    assert table.schema == {
        "id": pl.String, "event": pl.String, "batch": pl.String, "time": pl.Datetime("ns", "UTC"),
        "predictor": pl.String, "deployment": pl.String, "protocol": pl.String, "seconds": pl.Float64,
        "rows": pl.Int64, "row": pl.Int64, "score": pl.Float64, "decision": pl.Boolean,
        "input_count": pl.Int64, "input_speed": pl.Float64, "input_carrier": pl.String,
    }  # fmt: skip
    assert table["input_count"].to_list() == list(range(8))
    assert table["input_speed"].to_list() == [None, *(number / 3 for number in range(1, 7)), None]
    assert table["time"].dt.timestamp("ns").to_list() == [NOON + number for number in range(8)]


def test_a_column_of_nulls_keeps_its_type() -> None:
    ((_, table),) = read([Message("b", body([answer(0), answer(7)]))]).tables
    assert table["input_speed"].dtype == pl.Float64


def test_several_rows_and_several_events_of_one_request() -> None:
    ((_, table),) = read([Message("b", body([wide("w", 300), answer(1)], limit=3000))]).tables
    rows = table.filter(pl.col("id") == "w")
    assert rows["event"].n_unique() > 1
    assert rows["row"].to_list() == list(range(300))
    assert rows["rows"].unique().to_list() == [300]
    assert rows["score"].to_list() == wide("w", 300).scores
    assert rows["input_count"].to_list() == list(range(300))


def test_feedback() -> None:
    ((place, table),) = read([Message("b", body([truth("r1", [1, None, True, 0.5], reward=0.25)]))]).tables
    assert place == Place("feedback", "toy", "c" * 64, DAY)
    assert table["truth"].to_list() == [[1.0, None, 1.0, 0.5]]
    assert table["reward"].to_list() == [0.25]


def test_a_day_ends_at_midnight_utc() -> None:
    midnight = int(datetime.datetime(2025, 11, 25, tzinfo=datetime.UTC).timestamp()) * 10**9
    found = read([Message("b", body([answer(1, time_ns=midnight - 1), answer(2, time_ns=midnight)]))])
    assert [place.day for place, _ in found.tables] == ["2025-11-24", "2025-11-25"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda e: e.update(type="dev.slipway.inference.answered.v2"), "answered.v2 is not known here"),
        (lambda e: e.update(specversion="2.0"), "CloudEvents 2.0"),
        (lambda e: e.pop("subject"), "missing required field `subject`"),
        (lambda e: e.update(time="yesterday"), "nine decimals"),
        (lambda e: e.update(time="2025-13-24T16:00:00.000000000Z"), "not of its column's type"),
        (lambda e: e["data"].update(model="../../etc"), "no folder may have"),
        (lambda e: e["data"].update(release=".."), "no folder may have"),
        (lambda e: e["data"].update(scores=[0.1, 0.2]), "2 scores, 1 decisions"),
        (lambda e: e["data"].update(scores=[None]), "Expected `float`, got `null`"),
        (lambda e: e["data"].update(kinds="in"), "2 kinds for 3 inputs"),
        (lambda e: e["data"].update(kinds="inx"), "3 kinds for 3 inputs"),
        (lambda e: e["data"].update(rows=0), "rows 0 to 1 of 0"),
        (lambda e: e["data"].update(rows=4), "has not 1 values"),
        (lambda e: e["data"]["inputs"].update(count="many"), "not of its column's type"),
        (lambda e: e["data"]["inputs"].update(count=2**70), "not of its column's type"),
        (lambda e: e["data"]["inputs"].update(carrier=[1]), "not of its column's type"),
    ],
)
def test_what_cannot_be_read_is_a_dead_letter_and_the_rest_is_stored(
    change: Callable[[dict[str, Any]], object], reason: str
) -> None:
    found = altered(change)
    (letter,) = found.dead
    assert (letter.batch, letter.number) == ("b", 1)
    assert reason in letter.reason
    assert json.loads(letter.content)["subject" if "subject" not in reason else "id"]
    assert sorted(identity for _, table in found.tables for identity in table["id"]) == ["r1", "r3"]


@pytest.mark.parametrize("labels", ["late", ["late"], [[1]], None])
def test_labels_that_are_no_numbers_are_dead_letters(labels: Any) -> None:
    found = altered(lambda event: event["data"].update(truth=labels), truth("r2", [1]))
    assert [(letter.batch, letter.number) for letter in found.dead] == [("b", 1)]


@pytest.mark.parametrize("content", [b"", b"{}", b"not JSON", b"[" * 100_000, b"[1", b'{"a":1}', b"\xff"])
def test_a_body_that_is_no_array_is_one_dead_letter(content: bytes) -> None:
    found = read([Message("bad", content), Message("good", body([answer(1)]))])
    assert [(letter.batch, letter.number, letter.content) for letter in found.dead] == [("bad", None, content)]
    assert sum(table.height for _, table in found.tables) == 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_json_reads_or_is_dead(value: Any) -> None:
    found = read([Message("b", json.dumps([value, value]).encode())])
    assert found.tables == []
    assert len(found.dead) == 2 or "not a JSON array" in found.dead[0].reason
