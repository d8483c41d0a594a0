"""A connection that comes back by itself, and tells of each message whether it was taken."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from slipway.request_log.connection import Connection, NotTaken
from slipway.request_log.events import Batch
from slipway.request_log.settings import Settings
from tests.nats_server import NatsServer


def batch(identity: str, size: int = 10, subject: str = "s.toy") -> Batch:
    return Batch(identity, subject, 1, b"x" * size)


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not reached():
            await asyncio.sleep(0.01)


async def taken(connection: Connection, one: Batch) -> str:
    """What became of a message."""
    try:
        await (await connection.publish(one))
    except NotTaken as error:
        return f"{error}, final" if error.final else str(error)
    return "taken"


def test_each_message_is_answered_for(tmp_path: Path) -> None:
    async def work(server: NatsServer) -> None:
        connection = Connection(Settings(servers=(server.url,), stream="s", subjects="s"))
        assert await taken(connection, batch("a")) == "not connected"
        connection.start()
        await until(lambda: connection.up)
        assert await taken(connection, batch("a")) == "taken"
        assert await taken(connection, batch("a")) == "taken"
        assert await taken(connection, batch("long", connection.max_bytes + 1)) == "longer than a message may be, final"
        assert await taken(connection, batch("b", subject="elsewhere")) == "there is no stream"
        await connection.close()

    with NatsServer(tmp_path) as server:
        asyncio.run(work(server))
        assert [message.headers["Nats-Msg-Id"] for message in server.messages("s")] == ["a"]


def test_what_is_under_way_when_nats_dies_is_not_taken_and_the_connection_comes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(server: NatsServer) -> None:
        connection = Connection(Settings(servers=(server.url,), stream="s", subjects="s"))
        connection.start()
        await until(lambda: connection.up)
        server.kill()
        assert await taken(connection, batch("a")) in (
            "the connection was lost",
            "ConnectionClosedError",
            "not connected",
        )
        await until(lambda: not connection.up)
        assert await taken(connection, batch("b")) in ("not connected", "ConnectionClosedError")
        await until(lambda: "cannot reach NATS" in caplog.text)
        server.start()
        await until(lambda: connection.up)
        assert await taken(connection, batch("c")) == "taken"
        await connection.close()

    with NatsServer(tmp_path) as server, caplog.at_level(logging.WARNING):
        asyncio.run(work(server))
    assert caplog.text.count("cannot reach NATS") == 1
