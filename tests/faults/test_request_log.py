"""NATS, servers and collectors killed by SIGKILL under load: every record that could be kept is stored, once."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from slipway.errors import EnvironmentFault
from slipway.request_log import RequestLog, Settings
from slipway.request_log.collector import Source, run
from slipway.request_log.partitions import answers
from tests.nats_server import NatsServer
from tests.request_records import SERVED, answer

STREAM = "slipway-requests"


def settings(server: NatsServer, spool: Path, **changes: Any) -> Settings:
    return Settings(servers=(server.url,), spool=spool, **{"interval_seconds": 0.01, "batch_records": 50, **changes})


def stored(server: NatsServer) -> list[str]:
    """The ids of the requests in the stream, in its order."""
    return [event["subject"] for message in server.messages(STREAM) for event in json.loads(message.data)]


def collected(server: NatsServer, folder: Path) -> Counter[int]:
    """Collect everything; how often each record is in the Parquet files."""
    run(Source(servers=(server.url,), gather_seconds=0.5, ack_seconds=2.0), folder, None)
    return Counter(answers(folder).collect()["input_count"].to_list())


def tell(counts: str) -> None:
    """Shown by ``pytest -rP``."""
    sys.stdout.write(counts + "\n")


async def connected(log: RequestLog) -> None:
    async with asyncio.timeout(60):
        while not log.counts()["connected"]:
            await asyncio.sleep(0.02)


async def emptied(log: RequestLog) -> None:
    async with asyncio.timeout(60):
        while log.counts()["pending"] or log.counts()["spool_bytes"]:
            await asyncio.sleep(0.02)


def test_nats_killed_again_and_again_under_load(tmp_path: Path) -> None:
    kills, between = 4, 1500
    total = 2 * kills * between

    async def load(server: NatsServer) -> dict[str, int]:
        log = RequestLog(settings(server, tmp_path / "spool"), SERVED)
        await log.start()
        await connected(log)
        for number in range(total):
            log.answered(answer(number))
            if number % 50 == 0:
                await asyncio.sleep(0.005)
            if number % (2 * between) == between - 1:
                await asyncio.to_thread(server.kill)
            if number % (2 * between) == 2 * between - 1:
                await asyncio.to_thread(server.start)
                await emptied(log)
        await emptied(log)
        await log.close(10)
        return log.counts()

    with NatsServer(tmp_path / "nats") as server:
        counts = asyncio.run(load(server))
        found = collected(server, tmp_path / "out")
    tell(f"NATS killed {kills} times: {counts}")
    assert counts["dropped"] == 0
    assert counts["spooled"] > 0
    assert counts["published"] > 0
    assert found == Counter(range(total))


_SERVER = """
import asyncio, sys
from pathlib import Path
from slipway.request_log import RequestLog, Settings
from tests.request_records import SERVED, answer

async def serve(url, spool, start, tear):
    log = RequestLog(Settings(servers=(url,), spool=Path(spool), interval_seconds=0.01, batch_records=20), SERVED)
    await log.start()
    for number in range(int(start), int(start) + 100_000):
        log.answered(answer(number))
        if number % 20 == 0:
            await asyncio.sleep(0.002)
            counts = log.counts()
            print(counts["published"] + counts["spooled"], number + 1 - int(start), flush=True)
            if tear == "tear" and log._spool._writing is not None and counts["spooled"] > 500:
                import os
                os.write(log._spool._writing, b"\\xf5SLW half a frame")

asyncio.run(serve(*sys.argv[1:]))
"""


def killed_server(url: str, spool: Path, start: int, records: int, tear: str = "") -> tuple[int, int]:
    """A server that is killed after about ``records`` answers: how many were safe before, how many were answered."""
    arguments = [sys.executable, "-c", _SERVER, url, str(spool), str(start), tear]
    safe = answered = 0
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            safe, answered = map(int, line.split())
            if answered > records:
                process.kill()
                break
        rest = process.stdout.read().splitlines()
    if rest and len(rest[-1].split()) == 2:
        answered = int(rest[-1].split()[1])
    assert process.returncode == -signal.SIGKILL
    return safe, answered


async def next_server(server: NatsServer, spool: Path) -> None:
    """A server that answers nothing, and sends what others spooled."""
    log = RequestLog(settings(server, spool), SERVED)
    await log.start()
    await emptied(log)
    await log.close(10)


@pytest.mark.parametrize("tear", ["", "tear"])
def test_servers_killed_with_spooled_records(tmp_path: Path, tear: str) -> None:
    """Two servers die while NATS is away; the next one finds what they spooled."""
    first = killed_server("nats://127.0.0.1:1", tmp_path / "spool", 0, 3000, tear)
    second = killed_server("nats://127.0.0.1:1", tmp_path / "spool", 1_000_000, 3000)

    with NatsServer(tmp_path / "nats") as server:
        asyncio.run(next_server(server, tmp_path / "spool"))
        found = collected(server, tmp_path / "out")
    _check(found, first, 0)
    _check(found, second, 1_000_000)
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_server_killed_while_it_publishes(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as server:
        outcome = killed_server(server.url, tmp_path / "spool", 0, 5000)
        asyncio.run(next_server(server, tmp_path / "spool"))
        found = collected(server, tmp_path / "out")
    _check(found, outcome, 0)


def _check(found: Counter[int], outcome: tuple[int, int], start: int) -> None:
    """All that was safe is there, once, and of the rest a first part: no gap."""
    safe, answered = outcome
    mine = {number: count for number, count in found.items() if start <= number < start + 1_000_000}
    tell(f"killed after {answered} answers, {safe} of them safe: {len(mine)} are stored")
    assert sorted(mine) == list(range(start, start + len(mine)))
    assert set(mine.values()) == {1}
    assert safe <= len(mine) <= answered + 20


_COLLECTOR = """
import os, signal, sys
from pathlib import Path
from slipway.request_log import collector

moment, seen = int(sys.argv[3]), 0

def hook(event, details):
    global seen
    if event in {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "open"} and sys.argv[2] in str(details[0]):
        seen += 1
        if seen == moment:
            os.kill(os.getpid(), signal.SIGKILL)

collector._MOST_MESSAGES = collector._FETCHED = 10
sys.addaudithook(hook)
collector.run(collector.Source(servers=(sys.argv[1],), gather_seconds=0.3, ack_seconds=1.0), Path(sys.argv[2]), None)
"""


def test_a_collector_killed_at_one_file_operation_after_another(tmp_path: Path) -> None:
    total, kills = 3000, 0
    folder = tmp_path / "out"

    async def load(server: NatsServer) -> None:
        log = RequestLog(settings(server, tmp_path / "spool", batch_records=25), SERVED)
        await log.start()
        for number in range(total):
            log.answered(answer(number, time_ns=answer(0).time_ns + number % 2 * 86_400 * 10**9))
            if number % 500 == 499:
                await emptied(log)
        await log.close(10)

    with NatsServer(tmp_path / "nats") as server:
        asyncio.run(load(server))
        for moment in range(4, 70, 5):
            arguments = [sys.executable, "-c", _COLLECTOR, server.url, str(folder), str(moment)]
            done = subprocess.run(arguments, check=False, capture_output=True)
            assert done.returncode in (0, -signal.SIGKILL), done.stderr.decode()
            kills += done.returncode != 0
            seen = _read(folder)
            assert set(seen.values()) <= {1}, "a reader sees a record twice"
        found = collected(server, folder)
    tell(f"collector killed {kills} times")
    assert kills >= 5
    assert found == Counter(range(total))
    assert list(folder.rglob("*.scratch")) == []


def _read(folder: Path) -> Counter[int]:
    try:
        return Counter(answers(folder).collect()["input_count"].to_list())
    except EnvironmentFault:
        return Counter()


_FULL = """
import sys
from pathlib import Path
from slipway.errors import EnvironmentFault
from slipway.request_log.collector import Source, run
try:
    run(Source(servers=(sys.argv[1],), gather_seconds=0.3, ack_seconds=1.0), Path(sys.argv[2]), None)
except EnvironmentFault as error:
    sys.exit(str(error))
"""


def test_a_full_disk_stops_the_collector_and_loses_nothing(tmp_path: Path) -> None:
    async def load(server: NatsServer) -> None:
        log = RequestLog(settings(server, tmp_path / "spool"), SERVED)
        await log.start()
        for number in range(2000):
            log.answered(answer(number))
        await emptied(log)
        await log.close(10)

    with NatsServer(tmp_path / "nats") as server:
        asyncio.run(load(server))
        done = subprocess.run(
            [sys.executable, "-c", _FULL, server.url, str(tmp_path / "out")],
            check=False,
            capture_output=True,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)),
        )
        assert done.returncode == 1
        assert "could not be written" in done.stderr
        assert "Traceback" not in done.stderr
        found = collected(server, tmp_path / "out")
    assert found == Counter(range(2000))
