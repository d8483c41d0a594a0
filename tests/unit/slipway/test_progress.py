"""Progress goes to standard error and says what is done, how fast, and what is left."""

from __future__ import annotations

import re

import pytest

from slipway import progress


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (61, "1 min 01 s"), (3600, "1 h 00 min"), (86_399, "23 h 59 min")],
)
def test_a_duration_is_shown_in_its_largest_units(seconds: float, said: str) -> None:
    assert progress._duration(seconds) == said


def test_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 0.0)
    with progress.counting("scoring", "rows", total=4000, todo=3000) as advance:
        advance(1000)
        advance(2000)
    out, err = capsys.readouterr()
    assert out == ""
    begun, half, whole, end = err.splitlines()
    assert begun == "  … scoring"
    assert re.fullmatch(r"  … scoring: 50% of 4,000 rows, [\d,]+ rows/s, 0 s left", half)
    assert re.fullmatch(r"  … scoring: 100% of 4,000 rows, [\d,]+ rows/s", whole)
    assert re.match(r"  ✓ scoring: 100% of 4,000 rows", end)


def test_nothing_is_called_done_that_was_not(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="in the middle"), progress.counting("scoring", "rows", 10, 10):
        raise ValueError("in the middle")
    assert "✓" not in capsys.readouterr().err
