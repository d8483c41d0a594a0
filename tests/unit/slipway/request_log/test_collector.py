"""The collector against a real nats-server: each message is stored once, and the bad ones hold up nothing."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from nats.js import JetStreamContext

from slipway.errors import EnvironmentFault
from slipway.request_log.collector import Collected, Source, run, store
from slipway.request_log.events import Encoder
from slipway.request_log.partitions import Store, answers, feedback
from slipway.request_log.personal import Redaction
from slipway.request_log.reading import Message
from slipway.request_log.records import Record
from tests.nats_server import NatsServer
from tests.request_records import FIELDS, SERVED, answer, truth
from tests.request_records import answers as records_of


def body(records: list[Record]) -> bytes:
    pieces = Encoder(SERVED, Redaction(FIELDS, None)).pieces(records, 1 << 20)
    return b"[" + b",".join(piece for _, piece in pieces) + b"]"


def source(server: NatsServer, stream: str) -> Source:
    return Source(servers=(server.url,), stream=stream, subjects=stream, gather_seconds=0.2)


def publish(server: NatsServer, stream: str, *messages: tuple[str, bytes]) -> None:
    """Publish outside any duplicate window: a message that comes twice is in the stream twice."""

    async def work(jetstream: JetStreamContext) -> None:
        await jetstream.add_stream(name=stream, subjects=[f"{stream}.>"], duplicate_window=0.1)
        for identity, content in messages:
            headers = {"Nats-Msg-Id": identity} if identity else None
            await jetstream.publish(f"{stream}.toy", content, headers=headers)
            await asyncio.sleep(0.15)

    server.run(work)


def test_what_was_published_is_stored_once(nats_server: NatsServer, tmp_path: Path) -> None:
    one, two = body(records_of(10)), body([answer(10), truth("r3", [1])])
    publish(nats_server, "once", ("a", one), ("b", two), ("a", one))
    counts, labels = run(source(nats_server, "once"), tmp_path, None)
    assert counts == Collected(messages=3, repeated=0, answers=11, feedback=1, dead_letters=0)
    assert labels["labelled"] == 1
    publish(nats_server, "once", ("b", two), ("c", body([answer(11)])))
    counts, _ = run(source(nats_server, "once"), tmp_path, None)
    assert (counts.messages, counts.answers, counts.feedback) == (2, 1, 0)
    assert sorted(answers(tmp_path).collect()["input_count"]) == list(range(12))
    assert feedback(tmp_path).collect().height == 1
    assert run(source(nats_server, "once"), tmp_path, None)[0] == Collected()


def test_malformed_messages_and_strange_columns_are_buried(nats_server: NatsServer, tmp_path: Path) -> None:
    good = body([answer(1)])
    publish(nats_server, "bad", ("a", good), ("", b"nonsense"), ("b", good.replace(b'"ins"', b'"nns"')), ("c", good))
    counts, _ = run(source(nats_server, "bad"), tmp_path, None)
    assert (counts.messages, counts.answers, counts.dead_letters) == (4, 2, 2)
    letters = {file.name: file.read_text() for file in (tmp_path / "dead_letters").iterdir()}
    assert "not a JSON array" in letters["bad-00000000000000000002.json"]
    assert "its columns are not those of the partition" in letters["b-columns.json"]


def test_a_message_that_was_stored_already_is_counted(tmp_path: Path) -> None:
    target, counts = Store(tmp_path), Collected()
    store([Message("a", body([answer(1)]))], target, counts)
    store([Message("a", body([answer(1)]))], target, counts)
    assert counts == Collected(messages=2, repeated=1, answers=1)


def test_without_nats_it_says_so_without_the_password(tmp_path: Path) -> None:
    there = Source(servers=("nats://user:secret@127.0.0.1:1",))
    with pytest.raises(EnvironmentFault, match=r"does not answer at 127\.0\.0\.1:1") as caught:
        run(there, tmp_path, None)
    assert "secret" not in str(caught.value)


_FOLLOW = """
import sys
from pathlib import Path
from slipway.request_log.collector import Source, run
source = Source(servers=(sys.argv[1],), stream="follow", subjects="follow", gather_seconds=0.2)
counts, labels = run(source, Path(sys.argv[2]), 0.1)
print(counts.answers, labels["labelled"])
"""


def test_following_outlives_nats_labels_meanwhile_and_ends_on_sigterm(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as server:
        publish(server, "follow", ("a", body(records_of(5))))
        arguments = [sys.executable, "-c", _FOLLOW, server.url, str(tmp_path / "out")]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
            try:
                _wait(lambda: answers(tmp_path / "out").collect().height == 5)
                server.kill()
                server.start()
                publish(server, "follow", ("b", body([answer(5), truth("r1", [1])])))
                _wait(lambda: answers(tmp_path / "out").collect().height == 6)
                _wait(lambda: pl.read_parquet(tmp_path / "out" / "labelled" / "**" / "*.parquet").height == 1)
            finally:
                process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.split() == ["6", "1"]


def _wait(reached: Any) -> None:
    """Wait for what another process writes."""

    async def poll() -> None:
        async with asyncio.timeout(60):
            while True:
                try:
                    if reached():
                        return
                except (EnvironmentFault, OSError, pl.exceptions.PolarsError):
                    pass  # nothing is there yet
                await asyncio.sleep(0.05)

    asyncio.run(poll())
