"""A platform to publish to: a registry with a server image in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.promotion.platform import Platform
from tests.registry_server import RegistryServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RegistryServer]:
    with RegistryServer(tmp_path / "registry") as running:
        running.push_server_image()
        yield running


@pytest.fixture
def platform(server: RegistryServer) -> Platform:
    return Platform("registry.slipway.internal", server.url, "http://127.0.0.1:1/platform.git")
