"""The release that the pipeline made, and flights to score with it."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from slipway.batch.rules import TableRules
from slipway.project import ModelPaths
from slipway.release import Release, load
from tests.conftest import MODEL, ROOT


@pytest.fixture(scope="session")
def release(release_folder: Path) -> Release:
    return load(release_folder)


@pytest.fixture(scope="session")
def rules(release: Release) -> TableRules:
    return TableRules(release.fields)


@pytest.fixture(scope="session")
def flights() -> pl.DataFrame:
    """2,500 flights of August, with all their columns."""
    return pl.read_parquet(ROOT / ModelPaths(MODEL).validated / "2013-08.parquet").head(2500)
