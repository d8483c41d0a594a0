"""The footprint is that of a release as servers load it, in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from slipway.errors import EnvironmentFault
from slipway.project import ModelPaths
from slipway.release import manifest
from slipway.release.footprint import measure
from slipway.release.package import candidate


def test_it_counts_what_the_release_is(here: ModelPaths, params: dict[str, Any]) -> None:
    with candidate(here, params) as folder:
        found = measure(folder, here.validated / "2013-12.parquet")
    assert (found.model_bytes, found.trees) == ((here.trained / "model.txt").stat().st_size, 5)
    assert 0 < found.single_row_ms < 1000
    assert 0 <= found.memory_mib < 1024


def test_a_model_that_cannot_be_read_is_named(here: ModelPaths, params: dict[str, Any]) -> None:
    (here.trained / "model.txt").write_text("nonsense")
    with candidate(here, params) as folder, pytest.raises(EnvironmentFault, match="could not be measured") as caught:
        measure(folder, here.validated / "2013-12.parquet")
    assert str(folder) in caught.value.what
    assert "LightGBM refuses" in caught.value.what


def test_a_release_that_was_changed_is_not_measured(here: ModelPaths, params: dict[str, Any]) -> None:
    with candidate(here, params) as folder:
        _grow(folder / manifest.MANIFEST)
        with pytest.raises(EnvironmentFault, match="has sha256"):
            measure(folder, here.validated / "2013-12.parquet")


def _grow(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\n")
