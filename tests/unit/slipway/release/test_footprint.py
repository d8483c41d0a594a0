"""The footprint is measured on the real model, in a process of its own."""

from __future__ import annotations

import pytest

from slipway.errors import EnvironmentFault
from slipway.project import ModelPaths
from slipway.release.footprint import measure


def test_it_counts_what_the_model_is(here: ModelPaths) -> None:
    model = here.trained / "model.txt"
    found = measure(here.name, model)
    assert (found.model_bytes, found.trees) == (model.stat().st_size, 5)
    assert found.single_row_ms > 0
    assert 0 <= found.memory_mib < 1024


def test_a_model_that_cannot_be_read_is_named(here: ModelPaths) -> None:
    (here.trained / "model.txt").write_text("nonsense")
    with pytest.raises(EnvironmentFault, match=r"The footprint of .*model\.txt could not be measured"):
        measure(here.name, here.trained / "model.txt")
