from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from slipway import release
from slipway.serving.app import App
from slipway.serving.listener import Listener
from slipway.serving.scoring import Scorer
from slipway.serving.settings import Settings
from slipway.serving.watch import EXCESS, Watch


@pytest.fixture
def app(release_folder: Path) -> App:
    return App(Scorer(release.load(release_folder)), Settings())


def test_a_busy_loop_shows_as_queue_time(app: App) -> None:
    async def busy() -> None:
        watching = asyncio.create_task(Watch(app, Listener(app, Settings())).run())
        for _ in range(4):
            await asyncio.sleep(0.11)
        watching.cancel()

    asyncio.run(busy())
    assert sum(app.metrics.queue.counts) >= 2
    idle = app.metrics.queue.sum
    watch = Watch(app, Listener(app, Settings()))
    watch._arrived(0.0)
    assert app.metrics.queue.sum > idle + 1


def test_few_refusals_are_not_worth_a_line_and_many_are_one(app: App, caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch(app, Listener(app, Settings()))
    figures = app.metrics.route("v2", "/v2/models/{model}/infer")
    with caplog.at_level(logging.WARNING):
        figures.codes[400] += EXCESS - 1
        watch.report()
        assert caplog.records == []
        figures.codes[400] += EXCESS
        figures.codes[404] += 5
        figures.codes[200] += 10_000
        app.metrics.failures["maximum"] += 7
        watch.report()
        watch.report()
    (record,) = caplog.records
    said = vars(record)
    assert (said["refused"], said["statuses"], said["rules"]) == (
        EXCESS + 5, {"400": EXCESS, "404": 5}, {"maximum": 7},
    )  # fmt: skip


def test_a_fault_does_not_end_the_watch(
    app: App, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def broken() -> None:
        calls.append(1)
        raise RuntimeError("lost")

    monkeypatch.setattr(app, "tick", broken)

    async def watched() -> None:
        watching = asyncio.create_task(Watch(app, Listener(app, Settings())).run())
        while len(calls) < 2:
            await asyncio.sleep(0.01)
        watching.cancel()

    asyncio.run(watched())
    assert "internal fault of the watch" in caplog.text
