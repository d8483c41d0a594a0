"""Records become CloudEvents whose ids are unique, whose times are exact, and which fit into a message."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.request_log.events import ANSWERED, FEEDBACK, Clock, Encoder, Oversize, unique_id
from slipway.request_log.personal import Redaction
from slipway.request_log.records import Record
from tests.request_records import FIELDS, NOON, SERVED, answer, answers, row, truth, wide

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@pytest.fixture
def encoder() -> Encoder:
    return Encoder(SERVED, Redaction(FIELDS, None))


def events(encoder: Encoder, records: list[Record], limit: int = 1 << 20) -> list[dict[str, Any]]:
    pieces = list(encoder.pieces(records, limit))
    assert all(len(body) <= limit for _, body in pieces)
    found = [json.loads(b"[" + body + b"]") for _, body in pieces]
    assert [len(part) for part in found] == [count for count, _ in pieces]
    return [event for part in found for event in part]


def test_an_answer_of_one_row(encoder: Encoder) -> None:
    (event,) = events(encoder, [answer(4)])
    assert UUID7.fullmatch(event.pop("id"))
    assert event == {
        "specversion": "1.0",
        "type": ANSWERED,
        "source": "/slipway/toy/champion",
        "subject": "r4",
        "time": "2025-11-24T16:00:00.000000004Z",
        "datacontenttype": "application/json",
        "data": {
            "model": "toy",
            "release": "c" * 64,
            "predictor": "champion",
            "deployment": "toy-production",
            "protocol": "v2",
            "kinds": "ins",
            "inputs": row(4),
            "scores": [0.004],
            "decisions": [True],
            "seconds": 0.001,
        },
    }


def test_an_answer_of_several_rows(encoder: Encoder) -> None:
    (event,) = events(encoder, [wide("w", 3)])
    assert event["data"]["inputs"]["carrier"] == ["C0", "C1", "C2"]
    assert event["data"]["scores"] == [0.0, 0.001, 0.002]
    assert event["data"]["rows"] == 3


def test_columns_of_one_row_are_logged_as_a_row(encoder: Encoder) -> None:
    (event,) = events(encoder, [wide("w", 1)])
    assert event["data"]["inputs"] == row(0)
    assert "rows" not in event["data"]


def test_feedback(encoder: Encoder) -> None:
    (event,) = events(encoder, [truth("r4", [1, None, True], reward=0.5)])
    assert (event["type"], event["subject"]) == (FEEDBACK, "r4")
    assert (event["data"]["truth"], event["data"]["reward"]) == ([1, None, True], 0.5)


@given(st.integers(1, 40), st.integers(1, 400), st.integers(900, 4000))
def test_what_is_too_long_for_one_message_becomes_several_in_order(singles: int, rows: int, limit: int) -> None:
    records: list[Record] = [*answers(singles), wide("w", rows)]
    found = events(Encoder(SERVED, Redaction(FIELDS, None)), records, limit)
    assert [event["subject"] for event in found[:singles]] == [f"r{number}" for number in range(singles)]
    parts = [event["data"] for event in found[singles:]]
    assert [score for part in parts for score in part["scores"]] == wide("w", rows).scores
    at = 0
    for part in parts:
        assert (part.get("first_row", 0), part.get("rows", 1)) == (at, rows)
        at += len(part["scores"])
    assert len({event["id"] for event in found}) == len(found)


def test_a_row_that_is_longer_than_a_message_is_refused(encoder: Encoder) -> None:
    with pytest.raises(Oversize):
        list(encoder.pieces([answer(1)], 100))


@given(st.integers(0, 4_000_000_000_000_000_000))
def test_a_time_is_exact(time_ns: int) -> None:
    clock = Clock()
    text = clock.text(time_ns)
    assert clock.text(time_ns) == text
    whole = datetime.datetime.strptime(text[:19] + "+0000", "%Y-%m-%dT%H:%M:%S%z")
    assert int(whole.timestamp()) * 10**9 + int(text[20:29]) == time_ns


def test_ids_are_unique_version_7_and_begin_with_the_time() -> None:
    ids = [unique_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert all(UUID7.fullmatch(identity) for identity in ids)
    assert [identity[:13] for identity in ids] == sorted(identity[:13] for identity in ids)
    assert int(ids[0].replace("-", "")[:12], 16) > NOON // 1_000_000
