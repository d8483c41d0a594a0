from __future__ import annotations

import pytest

from slipway.drift.reading import Reading
from slipway.report import findings
from slipway.report.findings import Window
from tests.report.toy_run import TOY, reading


@pytest.mark.usefixtures("top")
def test_findings_hold_what_the_run_left() -> None:
    found = findings.read(TOY)
    assert found.train == Window(5, ["2020-01", "2020-02"])
    assert found.evaluation == Window(4, ["2020-03"])
    assert found.drift == reading()
    assert isinstance(found.drift, Reading)
    assert found.params["train"]["seed"] == 2020
    assert found.judgement("budget").thresholds["max_trees"] == 5


@pytest.mark.usefixtures("top")
def test_what_may_be_absent_may_be_absent() -> None:
    (TOY.drift / "reading.json").unlink()
    TOY.observed.unlink()
    found = findings.read(TOY)
    assert found.drift is None
    assert found.observed == {}


@pytest.mark.parametrize(
    ("window", "said"),
    [
        (Window(1234, ["2020-01", "2020-02", "2020-03"]), "2020-01 to 2020-03 · 1,234 rows"),
        (Window(5, ["2020-01"]), "2020-01 · 5 rows"),
        (Window(0, []), " · 0 rows"),
    ],
)
def test_a_window_says_its_periods_and_rows(window: Window, said: str) -> None:
    assert str(window) == said
