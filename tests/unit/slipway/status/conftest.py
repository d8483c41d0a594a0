"""Standings as they might be found, and a monorepo with a remote."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import toy_platform
from tests.toy_platform import ToyPlatform


@pytest.fixture
def toy(tmp_path: Path) -> ToyPlatform:
    return toy_platform.make(tmp_path)
