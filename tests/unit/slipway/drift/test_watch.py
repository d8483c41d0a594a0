from __future__ import annotations

from types import ModuleType

import polars as pl
import pytest

from models.flight_delay import drift_view
from models.flight_delay.contract import RAW
from slipway.contracts.marks import marked
from slipway.drift.watch import watch


def test_a_model_s_view_becomes_a_watch() -> None:
    found = watch(drift_view)
    assert found.time == "time_hour"
    assert set(found.by_station) < set(found.numeric)
    assert found.faults.station in found.categorical
    assert found.faults.circular == {"wind_dir": 360.0}


def test_a_module_without_a_view_is_named() -> None:
    with pytest.raises(AttributeError, match="SENSORS"):
        watch(ModuleType("empty"))


def test_the_view_reads_only_fields_of_a_request() -> None:
    """So it reads no outcome and no tail number, and served traffic can be watched likewise."""
    request = marked(RAW, request=True)
    empty = pl.DataFrame(schema={name: RAW.columns[name].dtype.type for name in request})
    found = drift_view.view(empty)
    assert found.columns == [*drift_view.NUMERIC, *drift_view.CATEGORICAL]
    assert "tailnum" not in request
