"""The three servers of one release, and requests that all of them are asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.serving import servers, stock
from benchmarks.serving.servers import Running
from tests.live_server import LiveServer, rows


@pytest.fixture(scope="session")
def seldon(release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The real seldon-core-microservice, with several processes of several threads."""
    folder = tmp_path_factory.mktemp("seldon")
    with servers.running(stock.seldon(stock.slipway_in_seldon(release_folder), workers=2, threads=4), folder) as up:
        yield up


@pytest.fixture(scope="session")
def mlserver(release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The real MLServer."""
    folder = tmp_path_factory.mktemp("mlserver")
    with servers.running(stock.mlserver(stock.slipway_in_mlserver(release_folder), folder / "settings"), folder) as up:
        yield up


@pytest.fixture(scope="session")
def sample(server: LiveServer) -> list[dict[str, Any]]:
    """Rows within the signature's bounds, many with nulls and some without."""
    return rows(server.fields, 200, seed=4)


@pytest.fixture(scope="session")
def whole(sample: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the sample without nulls, which numpy makes text of where a row holds any."""
    found = [row for row in sample if None not in row.values()]
    assert len(found) >= 10
    return found
