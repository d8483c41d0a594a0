"""Pairs read from a real nats-server: all of them once, also after a restart, and with NATS away."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nats.errors
import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext

from slipway.canary import shadow_log
from slipway.canary.observation import Rollout, Shadowed
from slipway.canary.shadow_log import ShadowLog
from slipway.rendering.canary import Canary
from slipway.request_log.connection import ensure_stream
from slipway.request_log.settings import SUBJECTS, Access, Settings
from tests import rollouts
from tests.conftest import MODEL, ROOT
from tests.nats_server import NatsServer
from tests.unit.slipway.canary.test_shadow import CHALLENGER, CHAMPION, answered, body, settings

LATER = timedelta(minutes=10)


@pytest.fixture(scope="module")
def natsd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture
def stream(request: pytest.FixtureRequest) -> str:
    """A name of its own for each test."""
    return "".join(letter for letter in request.node.name if letter.isalnum())


def rollout(began: datetime | None = None) -> Rollout:
    found = rollouts.rollout(0)
    return Rollout(
        found.environment, found.model, found.record, began or datetime.now(UTC), found.stepped, found.commit
    )


def publish(server: NatsServer, stream: str, *bodies: bytes, model: str = MODEL) -> None:
    async def work(jetstream: JetStreamContext) -> None:
        await jetstream.add_stream(name=stream, subjects=[f"{stream}.>"])
        for number, content in enumerate(bodies):
            headers = {"Nats-Msg-Id": f"{model}-{len(content)}-{number}-{datetime.now(UTC).timestamp()}"}
            await jetstream.publish(f"{stream}.{model}", content, headers=headers)

    server.run(work)


class Reader(ShadowLog):
    """One that is only asked before the first step."""

    def look(self, rollout: Rollout, settings: Canary, now: datetime) -> Shadowed:
        found = super().look(rollout, settings, now)
        assert found is not None
        assert self.fault == ""
        return found


def reader(server: NatsServer, stream: str) -> Reader:
    return Reader(Access((server.url,)), stream, stream)


def pair(*names: str, gap: float = 0.0) -> tuple[bytes, bytes]:
    return (
        body(CHAMPION, *(answered(name, 0.3) for name in names)),
        body(CHALLENGER, *(answered(name, 0.3 + gap) for name in names)),
    )


def test_what_is_new_is_read_and_a_new_process_counts_the_same(natsd: NatsServer, stream: str) -> None:
    log, under_way = reader(natsd, stream), rollout(datetime.now(UTC) - timedelta(seconds=1))
    publish(natsd, stream, *pair("a", "b"), *pair("c", gap=0.5))
    publish(natsd, stream, *pair("a", "b", "z"), model="another")
    later = datetime.now(UTC) + LATER
    first = log.look(under_way, settings(), later)
    assert first.pairs == 3
    assert first.finding is not None
    assert first.finding.challenger == pytest.approx(1 / 3)
    publish(natsd, stream, pair("d")[0])
    assert log.look(under_way, settings(), later).pairs == 3
    publish(natsd, stream, pair("d")[1])
    last = log.look(under_way, settings(), later)
    assert last.pairs == 4
    assert reader(natsd, stream).look(under_way, settings(), later) == last


def test_what_came_before_the_roll_out_does_not_count(natsd: NatsServer, stream: str) -> None:
    publish(natsd, stream, *pair("old"))
    under_way = rollout(datetime.now(UTC))
    publish(natsd, stream, *pair("new"))
    assert reader(natsd, stream).look(under_way, settings(), datetime.now(UTC) + LATER).pairs == 1


def test_blocks_that_are_not_over_do_not_count_yet(natsd: NatsServer, stream: str) -> None:
    under_way = rollout(datetime.now(UTC) - timedelta(seconds=1))
    publish(natsd, stream, *pair("a"))
    log = reader(natsd, stream)
    assert log.look(under_way, settings(), datetime.now(UTC)).pairs == 0
    assert log.look(under_way, settings(), datetime.now(UTC) + LATER).pairs == 1


def test_another_roll_out_begins_anew(natsd: NatsServer, stream: str) -> None:
    log, began = reader(natsd, stream), datetime.now(UTC) - timedelta(seconds=1)
    publish(natsd, stream, *pair("a"))
    later = datetime.now(UTC) + LATER
    assert log.look(rollout(began), settings(), later).pairs == 1
    assert log.look(rollout(datetime.now(UTC)), settings(), later).pairs == 0
    assert log.look(rollout(began), settings(tolerance=0.5), later).pairs == 1


def test_more_than_one_look_may_read_goes_on_with_the_next(
    natsd: NatsServer, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow_log, "_FETCHED", 4)
    monkeypatch.setattr(shadow_log, "_LONGEST_SECONDS", 0.0)
    under_way, log = rollout(datetime.now(UTC) - timedelta(seconds=1)), reader(natsd, stream)
    publish(natsd, stream, *(part for name in "abcdefgh" for part in pair(name)))
    later = datetime.now(UTC) + LATER
    assert log.look(under_way, settings(), later).pairs == 0
    monkeypatch.setattr(shadow_log, "_LONGEST_SECONDS", 20.0)
    assert log.look(under_way, settings(), later).pairs == 8


def test_nothing_logged_yet_is_no_fault_and_no_consumer_stays(natsd: NatsServer, stream: str) -> None:
    log = reader(natsd, stream)
    assert log.look(rollout(), settings(), datetime.now(UTC)).finding is None
    publish(natsd, stream, *pair("a"))
    log.look(rollout(), settings(), datetime.now(UTC))

    async def consumers(jetstream: JetStreamContext) -> int:
        await asyncio.sleep(0.1)
        return len(await jetstream.consumers_info(stream))

    assert natsd.run(consumers) == 0


def test_nats_away_is_told_once_without_its_password_and_what_was_read_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    under_way, later = rollout(datetime.now(UTC) - timedelta(seconds=1)), datetime.now(UTC) + LATER
    with NatsServer(tmp_path) as server:
        log = ShadowLog(Access((server.url.replace("nats://", "nats://canary:secret@"),)), "away", "away")
        publish(server, "away", *pair("a"))
        read = log.look(under_way, settings(), later)
        assert read is not None
        assert (read.pairs, log.fault) == (1, "")
        server.kill()
        assert log.look(under_way, settings(), later) == read
        assert log.look(under_way, settings(), later) == read
        assert log.fault.startswith(f"the request log at 127.0.0.1:{server.port} cannot be read: ")
        server.start()
        publish(server, "away", *pair("b"))
        read = log.look(under_way, settings(), later)
        assert read is not None
        assert (read.pairs, log.fault) == (2, "")
    assert caplog.text.count("cannot be read") == 1
    assert "secret" not in caplog.text


def test_with_traffic_of_its_own_a_challenger_has_no_shadow(natsd: NatsServer, stream: str) -> None:
    publish(natsd, stream, *pair("a"))
    assert (
        ShadowLog(Access((natsd.url,)), stream, stream).look(rollouts.rollout(10), settings(), datetime.now(UTC))
        is None
    )


def test_the_platforms_own_user_may_do_what_it_takes_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"POD_NAME": "nats-0", **{f"{user}_PASSWORD": f'"{user}"' for user in _USERS}}.items():
        monkeypatch.setenv(name, value)
    # Where it listens and stores is the test's affair.
    config = re.sub(r"(?m)^(http_port|  store_dir):? .*$", "", (ROOT / "gitops/addons/nats/nats.conf").read_text())
    with NatsServer(tmp_path, config) as server:
        where = {user: server.url.replace("nats://", f"nats://{user.lower()}:{user}@") for user in _USERS}
        under_way, later = rollout(datetime.now(UTC) - timedelta(seconds=1)), datetime.now(UTC) + LATER
        asyncio.run(_publish(where["SERVER"], *pair("a", "b")))
        log = ShadowLog(Access((where["CANARY"],)))
        read = log.look(under_way, settings(), later)
        assert read is not None
        assert (read.pairs, log.fault) == (2, "")
        with pytest.raises(nats.errors.Error):
            asyncio.run(_publish(where["CANARY"], b"[]"))


_USERS = ("SERVER", "COLLECTOR", "CANARY")


async def _publish(url: str, *bodies: bytes) -> None:
    """As a model server does, into the stream that it makes."""
    client = Client()
    await client.connect([url], allow_reconnect=False)
    try:
        stream = client.jetstream(timeout=2)
        await ensure_stream(stream, Settings())
        for content in bodies:
            await stream.publish(f"{SUBJECTS}.{MODEL}", content)
    finally:
        await client.close()
