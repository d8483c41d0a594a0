"""A small monorepo under Git, whose release is signed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slipway.project import ModelPaths
from tests import attested
from tests.attested import Signed
from tests.unit.slipway.release.conftest import here, packable, params

__all__ = ["here", "packable", "params"]


@pytest.fixture
def release(here: ModelPaths, params: dict[str, Any]) -> Path:
    """A release in the monorepo that made it, which is the working folder."""
    return attested.made(here, params)


@pytest.fixture
def signed(release: Path, tmp_path: Path) -> Signed:
    """The release, signed."""
    return attested.signed(release, tmp_path / "keys")
