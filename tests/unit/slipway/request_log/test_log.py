"""RequestLog against a real nats-server: everything arrives once, and nothing is in the way of an answer."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from slipway.contracts.signature import DROPPED, TOKENISED, Field
from slipway.errors import UsageError
from slipway.request_log import Answered, RequestLog, Served, Settings, log
from slipway.request_log.collector import Source, run
from slipway.request_log.connection import Connection
from slipway.request_log.events import Batch
from slipway.request_log.partitions import answers as answers_in
from slipway.request_log.personal import TokenKeyMissing
from tests.nats_server import NatsServer
from tests.request_records import NOON, SERVED, answer, answers, truth, wide


def settings(name: str, url: str, folder: Path, **changes: Any) -> Settings:
    chosen = {"servers": (url,), "stream": name, "subjects": name, "spool": folder / "spool", "interval_seconds": 0.01}
    return Settings(**{**chosen, **changes})


def running(chosen: Settings, work: Callable[[RequestLog], Awaitable[Any]]) -> dict[str, int]:
    """Run a request log around ``work``; its counts after it was closed."""

    async def whole() -> dict[str, int]:
        made = RequestLog(chosen, SERVED)
        await made.start()
        await work(made)
        await made.close(10)
        return made.counts()

    return asyncio.run(whole())


async def until(made: RequestLog, wanted: Callable[[dict[str, int]], bool]) -> None:
    async with asyncio.timeout(60):
        while not wanted(made.counts()):
            await asyncio.sleep(0.01)


def events(server: NatsServer, stream: str) -> list[dict[str, Any]]:
    return [event for message in server.messages(stream) for event in json.loads(message.data)]


def subjects(server: NatsServer, stream: str) -> list[str]:
    return [event["subject"] for event in events(server, stream)]


def test_records_are_published_in_order(nats_server: NatsServer, tmp_path: Path) -> None:
    async def work(made: RequestLog) -> None:
        await until(made, lambda counts: bool(counts["connected"]))
        for record in answers(1000):
            made.answered(record)
        made.feedback(truth("r3", [1]))
        await until(made, lambda counts: counts["published"] == 1001)

    counts = running(settings("order", nats_server.url, tmp_path), work)
    assert counts == {
        "published": 1001, "spooled": 0, "replayed": 0, "dropped": 0, "pending": 0, "spool_bytes": 0, "connected": 0
    }  # fmt: skip
    assert subjects(nats_server, "order") == [*(f"r{number}" for number in range(1000)), "r3"]
    messages = nats_server.messages("order")
    assert {message.subject for message in messages} == {"order.toy"}
    assert {message.headers["Content-Type"] for message in messages} == {"application/cloudevents-batch+json"}
    assert len({message.headers["Nats-Msg-Id"] for message in messages}) == len(messages)


def test_close_sends_what_is_left(nats_server: NatsServer, tmp_path: Path) -> None:
    async def work(made: RequestLog) -> None:
        await until(made, lambda counts: bool(counts["connected"]))
        for record in answers(500):
            made.answered(record)

    running(settings("close", nats_server.url, tmp_path, interval_seconds=60.0), work)
    assert subjects(nats_server, "close") == [f"r{number}" for number in range(500)]


def test_without_nats_records_go_to_the_spool_and_the_next_process_sends_them(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    async def away(made: RequestLog) -> None:
        for record in answers(300):
            made.answered(record)
        await until(made, lambda counts: counts["spooled"] == 300)
        made.answered(answer(300))

    counts = running(settings("absent", "nats://127.0.0.1:1", tmp_path), away)
    assert (counts["published"], counts["spooled"], counts["dropped"]) == (0, 301, 0)

    async def back(made: RequestLog) -> None:
        for record in answers(100, 301):
            made.answered(record)
        await until(made, lambda counts: counts["replayed"] + counts["published"] == 401)

    counts = running(settings("absent", nats_server.url, tmp_path), back)
    assert (counts["dropped"], counts["spool_bytes"]) == (0, 0)
    assert subjects(nats_server, "absent") == [f"r{number}" for number in range(401)]


def test_a_full_spool_is_counted_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work(made: RequestLog) -> None:
        for number in range(40):
            made.answered(answer(number))
            await until(made, lambda counts: not counts["pending"])

    with caplog.at_level(logging.ERROR, "slipway.request_log"):
        counts = running(settings("full", "nats://127.0.0.1:1", tmp_path, max_spool_bytes=5000), work)
    assert 0 < counts["spooled"] < 40
    assert counts["spooled"] + counts["dropped"] == 40
    assert 0 < counts["spool_bytes"] <= 5000
    assert any("the spool is full" in message for message in caplog.messages)


def test_more_than_may_wait_is_counted(nats_server: NatsServer, tmp_path: Path) -> None:
    async def work(made: RequestLog) -> None:
        for record in answers(150):
            made.answered(record)

    counts = running(settings("many", nats_server.url, tmp_path, max_pending=100), work)
    assert counts["dropped"] == 50
    assert counts["published"] + counts["spooled"] == 100


def test_acknowledgements_that_do_not_come_send_records_through_the_spool_once(
    nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The messages arrive, their acknowledgements are lost: JetStream knows them again by their ids."""
    publish = Connection.publish
    deaf = True

    async def unanswered(self: Connection, batch: Batch) -> asyncio.Future[None]:
        future = await publish(self, batch)
        return asyncio.get_running_loop().create_future() if deaf else future

    monkeypatch.setattr(Connection, "publish", unanswered)

    async def work(made: RequestLog) -> None:
        nonlocal deaf
        await until(made, lambda counts: bool(counts["connected"]))
        for record in answers(600):
            made.answered(record)
        await until(made, lambda counts: counts["spooled"] == 600)
        deaf = False
        made.answered(answer(600))
        await until(made, lambda counts: counts["replayed"] + counts["published"] == 601)

    running(settings("slow", nats_server.url, tmp_path, ack_seconds=0.1), work)
    assert subjects(nats_server, "slow") == [f"r{number}" for number in range(601)]


def test_too_many_unacknowledged_go_to_the_spool_and_memory_stays_bounded(
    nats_server: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(self: Connection, batch: Batch) -> asyncio.Future[None]:
        return asyncio.get_running_loop().create_future()

    async def work(made: RequestLog) -> None:
        await until(made, lambda counts: bool(counts["connected"]))
        monkeypatch.setattr(Connection, "publish", never)
        for record in answers(10 * (log.WINDOW + 1)):
            made.answered(record)
        await until(made, lambda counts: not counts["pending"])

    counts = running(settings("window", nats_server.url, tmp_path, batch_records=10, ack_seconds=60.0), work)
    assert (counts["published"], counts["spooled"]) == (0, 10 * (log.WINDOW + 1))


def test_a_deleted_stream_is_made_anew(nats_server: NatsServer, tmp_path: Path) -> None:
    async def work(made: RequestLog) -> None:
        await until(made, lambda counts: bool(counts["connected"]))
        made.answered(answer(1))
        await until(made, lambda counts: counts["published"] == 1)
        await asyncio.to_thread(nats_server.run, lambda stream: stream.delete_stream("deleted"))
        made.answered(answer(2))
        await until(made, lambda counts: counts["replayed"] == 1)

    running(settings("deleted", nats_server.url, tmp_path), work)
    assert subjects(nats_server, "deleted") == ["r2"]


def test_a_stream_that_somebody_configured_is_left_as_it_is_and_what_it_never_takes_is_dropped(
    nats_server: NatsServer, tmp_path: Path
) -> None:
    nats_server.run(lambda stream: stream.add_stream(name="own", subjects=["own.>"], max_msg_size=5000))

    async def work(made: RequestLog) -> None:
        await until(made, lambda counts: bool(counts["connected"]))
        made.answered(answer(1))
        made.answered(wide("wide", 500))
        await until(made, lambda counts: counts["dropped"] > 0)
        made.answered(answer(2))
        await until(made, lambda counts: counts["published"] == 2)

    counts = running(settings("own", nats_server.url, tmp_path, batch_records=1), work)
    assert subjects(nats_server, "own") == ["r1", "r2"]
    assert counts["dropped"] == 1


def test_no_personal_value_leaves_the_process(
    nats_server: NatsServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fields = (
        Field("name", "string", logged=DROPPED),
        Field("customer", "string", logged=TOKENISED),
        Field("speed", "number"),
    )
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    secrets = ["Ada-Lovelace", "ada@example.org"]
    record = Answered(
        "r1", NOON, 0.0, {"name": secrets[0], "customer": secrets[1], "speed": 1.0}, None, [0.5], [True], "v2"
    )
    broken = Answered(
        "r2", NOON, 0.0, {"name": secrets[0], "customer": secrets[1], "speed": object()}, None, [0.5], [True], "v2"
    )

    async def serve(url: str, done: Callable[[dict[str, int]], bool]) -> None:
        made = RequestLog(
            settings("private", url, tmp_path, token_key_file=key), Served("toy", "c" * 64, "p", "d", fields)
        )
        await made.start()
        made.answered(record)
        made.answered(broken)
        await until(made, done)
        await made.close(10)

    with caplog.at_level(logging.DEBUG):
        asyncio.run(serve("nats://127.0.0.1:1", lambda counts: counts["spooled"] == 1))
        spooled = b"".join(file.read_bytes() for file in (tmp_path / "spool").rglob("*") if file.is_file())
        asyncio.run(serve(nats_server.url, lambda counts: counts["replayed"] + counts["published"] == 2))
    published = b"".join(message.data for message in nats_server.messages("private"))
    stored = b"".join(file.read_bytes() for file in nats_server.folder.rglob("*") if file.is_file())
    told = caplog.text.encode()
    run(Source((nats_server.url,), "private", "private", gather_seconds=0.2), tmp_path / "out", None)
    rows = answers_in(tmp_path / "out").collect()
    assert {"input_customer", "input_speed"} == {name for name in rows.columns if name.startswith("input_")}
    assert not {value for values in rows.iter_rows() for value in values if value in secrets}
    assert b"speed" in spooled
    assert b"speed" in published
    assert b"speed" in stored
    assert b"a value cannot be written as JSON" in told
    for secret in secrets:
        assert secret.encode() not in spooled + published + stored + told
    assert b"customer" in published
    assert b'"name"' not in spooled + published


def test_a_token_without_a_key_refuses_to_start() -> None:
    served = Served("toy", "c" * 64, "p", "d", (Field("customer", "string", logged=TOKENISED),))
    with pytest.raises(TokenKeyMissing, match="'customer'"):
        RequestLog(Settings(), served)


@pytest.mark.parametrize("model", ["two words", "a.b", "", "*"])
def test_a_model_that_cannot_be_a_subject_is_refused(model: str) -> None:
    with pytest.raises(UsageError, match="cannot be a NATS subject"):
        RequestLog(Settings(), Served(model, "c" * 64, "p", "d", ()))


@pytest.mark.parametrize("size", [0, 5000])
def test_a_batch_size_that_ids_cannot_count_is_refused(size: int) -> None:
    with pytest.raises(UsageError, match="batch_records"):
        RequestLog(Settings(batch_records=size), SERVED)
