"""A month that does not exist: exit 2, the key and the months there are, and the old output as it was."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from pipelines.ingest import _months
from slipway.configuration import Ingest
from slipway.errors import UsageError
from tests.faults.workspace import Workspace, finished, scratch, state

__all__ = ["finished"]

ROWS = pl.DataFrame({"period": [f"2013-{month:02d}" for month in range(1, 13)] * 2})


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2012-12", "2013-12", r"ingest\.first_month is 2012-12, but the sources hold 2013-01 to 2013-12"),
        ("2013-01", "2014-01", r"ingest\.last_month is 2014-01, but the sources hold 2013-01 to 2013-12"),
        ("2013-05", "2013-04", r"ingest\.first_month is 2013-05, which is after last_month, 2013-04"),
    ],
)
def test_months_to_ingest(first: str, last: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        _months(ROWS, "period", Ingest(first_month=first, last_month=last))


def test_months_that_exist_are_inclusive() -> None:
    asked = Ingest(first_month="2013-05", last_month="2013-07")
    assert _months(ROWS, "period", asked) == ["2013-05", "2013-06", "2013-07"]


@pytest.mark.parametrize(
    ("stage", "changes", "said"),
    [
        ("check_drift", {"split": {"train_through": "2014-05"}}, "split.train_through is 2014-05"),
        ("featurize", {"split": {"evaluate_months": 5}}, "only 4 months follow 2013-08"),
    ],
)
def test_the_stage_s_process_is_exit_2(finished: Workspace, stage: str, changes: dict[str, Any], said: str) -> None:
    params = finished.top / "params.yaml"
    good = params.read_bytes()
    before = {output: state(output) for output in finished.outputs(stage)}
    finished.set_params(changes)
    try:
        done = finished.stage(stage)
    finally:
        params.write_bytes(good)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert {output: state(output) for output in before} == before
    assert None not in before.values()
    assert scratch(finished.top) == []
