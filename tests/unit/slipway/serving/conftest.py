from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway import release
from slipway.release import Release
from slipway.serving.app import App
from slipway.serving.scoring import Scorer
from slipway.serving.settings import Settings
from tests.raw_server import RawServer

LIMITS = Settings(max_body_bytes=100_000, body_seconds=0.5)


@pytest.fixture(scope="session")
def loaded(release_folder: Path) -> Release:
    return release.load(release_folder)


@pytest.fixture
def raw_app(loaded: Release) -> App:
    return App(Scorer(loaded), LIMITS)


@pytest.fixture
def raw(raw_app: App, caplog: pytest.LogCaptureFixture) -> Iterator[RawServer]:
    """A listener of the release's app with small limits; after each test nothing is left of it, and nothing failed."""
    caplog.set_level(logging.WARNING)
    with RawServer(raw_app, LIMITS) as server:
        yield server
        server.wait(server.settled)
    assert server.faults == []
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
