"""Every record goes into exactly one message, in order, or is counted."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from slipway.request_log.batching import Batching
from slipway.request_log.drops import Drops
from slipway.request_log.events import Batch, Encoder
from slipway.request_log.personal import Redaction
from slipway.request_log.records import Answered, Record
from tests.request_records import FIELDS, NOON, SERVED, answer, answers, wide


def batching(batch_records: int = 256, max_pending: int = 10_000) -> tuple[Batching, Drops]:
    drops = Drops()
    return Batching(Encoder(SERVED, Redaction(FIELDS, None)), "subject", batch_records, max_pending, drops), drops


def batches(waiting: Batching, limit: int = 1 << 20) -> list[Batch]:
    async def all_of_them() -> list[Batch]:
        return [batch async for batch in waiting.batches(limit)]

    return asyncio.run(all_of_them())


def events(found: list[Batch]) -> list[dict[str, Any]]:
    return [event for batch in found for event in json.loads(batch.body)]


@given(st.integers(0, 300), st.integers(1, 100), st.integers(1200, 30_000))
def test_messages_are_full_but_not_over_full(count: int, batch_records: int, limit: int) -> None:
    waiting, drops = batching(batch_records)
    for record in answers(count):
        waiting.add(record)
    assert len(waiting) == count
    found = batches(waiting, limit)
    assert all(batch.records <= batch_records and len(batch.body) <= limit for batch in found)
    assert all(len(json.loads(batch.body)) == batch.records for batch in found)
    assert [event["subject"] for event in events(found)] == [f"r{number}" for number in range(count)]
    assert len({event["id"] for event in events(found)}) == count
    assert len({batch.id for batch in found}) == len(found)
    assert (len(waiting), drops.total) == (0, 0)


def test_what_exceeds_the_bound_is_counted() -> None:
    waiting, drops = batching(max_pending=10)
    for record in answers(25):
        waiting.add(record)
    assert drops.total == 15
    assert [event["subject"] for event in events(batches(waiting))] == [f"r{number}" for number in range(10)]


def test_a_record_that_cannot_be_encoded_costs_only_itself() -> None:
    waiting, drops = batching()
    bad = Answered("bad", NOON, 0.0, {"count": object(), "speed": 1.0, "carrier": "C"}, None, [0.0], [True], "v2")
    short = Answered("short", NOON, 0.0, {"count": 1}, None, [0.0], [True], "v2")
    records: list[Record] = [*answers(3), bad, short, answer(3)]
    for record in records:
        waiting.add(record)
    assert [event["subject"] for event in events(batches(waiting))] == ["r0", "r1", "r2", "r3"]
    assert drops.total == 2


def test_a_row_that_is_too_long_costs_only_itself() -> None:
    waiting, drops = batching()
    huge = {"count": 1, "speed": 1.0, "carrier": "C" * 5000}
    for record in (answer(0), Answered("huge", NOON, 0.0, huge, None, [0.0], [True], "v2"), wide("wide", 400)):
        waiting.add(record)
    found = events(batches(waiting, 4000))
    assert [event["subject"] for event in found[:1]] == ["r0"]
    assert sum(len(event["data"]["scores"]) for event in found) == 401
    assert drops.total == 1


def test_an_ended_task_loses_nothing() -> None:
    waiting, _ = batching()
    for record in answers(100):
        waiting.add(record)

    async def first_of_two() -> list[Batch]:
        task = asyncio.ensure_future(anext(waiting.batches(1 << 20)))
        await asyncio.sleep(0)  # it has encoded the first piece
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return [batch async for batch in waiting.batches(1 << 20)]

    assert [event["subject"] for event in events(asyncio.run(first_of_two()))] == [f"r{n}" for n in range(100)]


@given(st.integers(1, 200), st.integers(1, 20), st.integers(0, 8))
def test_what_an_interrupted_sender_had_not_got_yet_still_waits(count: int, batch_records: int, got: int) -> None:
    waiting, drops = batching(batch_records)
    for record in answers(count):
        waiting.add(record)

    async def interrupted() -> list[Batch]:
        found: list[Batch] = []
        async for batch in waiting.batches(1 << 20):
            found.append(batch)
            if len(found) > got:
                break
        return found

    first = asyncio.run(interrupted())
    assert len(waiting) == count - sum(batch.records for batch in first)
    assert [event["subject"] for event in events(first + batches(waiting))] == [f"r{n}" for n in range(count)]
    assert drops.total == 0
