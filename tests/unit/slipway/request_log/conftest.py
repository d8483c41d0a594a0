"""A nats-server for the tests of a module; each test has a stream of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.nats_server import NatsServer


@pytest.fixture(scope="module")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        yield server
