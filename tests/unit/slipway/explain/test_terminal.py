"""What a person reads, at the width of a narrow terminal."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from rich.console import Console

from slipway.contracts.request import Breach
from slipway.contracts.signature import Field
from slipway.explain import Explanation, Question, RequestRefused, explain, question, terminal
from slipway.explain.question import Checked, Recorded
from slipway.release import Release
from tests.live_server import rows


def _printed(show: Any, shown: Any, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    show(shown, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_answer_comes_first_to_the_last_bit_and_then_the_reasons(found: Explanation) -> None:
    lines = [line for line in _printed(terminal.show, found).splitlines() if line.strip()]
    assert repr(found.score) in lines[1]
    assert "late = false" in lines[1]
    assert "waiting is cheaper" in lines[2]
    assert lines[3].startswith("Why: ")
    assert re.match(r"  [▲▼] recent_delay = 14\.4118 minutes \(.*\)?", lines[4])


def test_reasons_lead_from_one_to_the_next(found: Explanation) -> None:
    ends = [re.search(r"from (\S+) to (\S+)$", sentence) for sentence in terminal.why(found)]
    assert len(ends) == 6
    assert all(one and other and one[2] == other[1] for one, other in pairwise(ends))
    assert any("departure_minute of sched_dep_time = " in sentence for sentence in terminal.why(found))


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_whole_way_is_shown(found: Explanation, width: int) -> None:
    said = _printed(terminal.show, found, width)
    for title in ("1  The request keeps all 24 rules", "2  22 features", "3  200 trees", "4  What each", "5  From the"):
        assert title in said
    assert all(feature.name in said for feature in found.features)
    assert "Traceback" not in said


def test_bars_go_to_the_side_of_their_sign() -> None:
    up, down = terminal._bar(1.0, 2.0).plain, terminal._bar(-2.0, 2.0).plain
    assert re.fullmatch(r" {16}│█{8} {8}", up)
    assert re.fullmatch(r"█{16}│ {16}", down)
    assert set(terminal._bar(0.0, 0.0).plain) == {" ", "│"}


def test_a_missing_feature_and_an_equal_record_are_told(release: Release, found: Explanation) -> None:
    row = rows(release.fields, 1, seed=1)[0] | {"recent_delay": None}
    missing = explain(release, Question("a row", row))
    assert re.search(r"recent_delay +missing", _printed(terminal.show, missing))
    if "recent_delay" in [feature.name for feature in missing.strongest[:6]]:
        assert any("recent_delay = null minutes, missing," in sentence for sentence in terminal.why(missing))
    recorded = replace(found, question=replace(found.question, recorded=Recorded("noon", found.score, found.decision)))
    assert "The same score, to the last bit, was served at noon" in _printed(terminal.show, recorded)


def test_a_refusal_marks_each_field_and_says_why(release: Release) -> None:
    row = question.example(release).row | {"distance": -1, "extra": 1}
    del row["month"]
    with pytest.raises(RequestRefused) as caught:
        question.from_body(str(row).replace("'", '"').encode(), "body", release)
    said = _printed(terminal.show_refusal, caught.value)
    assert re.search(r"✗ +distance +-1 +-1 is below 10 miles \(rule minimum\)", said)
    assert re.search(r"✗ +month +– +it is missing", said)
    assert said.count("✓") == 22
    assert "field 'extra', row 0: the signature has no such field" in said


def test_a_personal_value_is_not_shown() -> None:
    breach = Breach("customer", "maximum", 0, "the value breaks the rule; it is personal and not shown")
    entry = Checked(Field("customer", "integer", maximum=9, logged="dropped"), 12345, "integer up to 9", [breach])
    said = _printed(terminal.show_refusal, RequestRefused("[body]", [entry], []))
    assert "(personal)" in said
    assert "12345" not in said
    assert "[body]" in said
