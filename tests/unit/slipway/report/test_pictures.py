from __future__ import annotations

import re

from slipway.report import charts
from slipway.report.pictures import draw

_CHART = charts.importance({"<i>&\"'": 0.6, "b": 0.4})
_CURVE = charts.reliability([{"score": 0.1, "rate": 0.2}, {"score": 0.6, "rate": 0.5}])


def test_a_picture_takes_the_page_s_colours() -> None:
    svg = draw("one", _CHART, "Caption.", "Label.").svg
    assert 'fill="var(--accent)"' in svg
    assert "#0f0e0" not in svg
    assert set(re.findall(r"#[0-9a-f]{3,8}\b", svg)) <= {"#one"}


def test_it_has_a_shape_and_a_label_but_no_script_nor_style() -> None:
    svg = draw("one", _CHART, "Caption.", 'A "label" <b>').svg
    assert svg.startswith('<svg role="img" aria-label="A &#34;label&#34; &lt;b&gt;"')
    assert re.search(r'viewBox="0 0 \d+(\.\d+)? \d+(\.\d+)?"', svg)
    assert "<i>" not in svg
    assert "&lt;i&gt;&amp;" in svg
    assert "xmlns" not in svg


def test_ids_begin_with_the_name_and_do_not_count_on() -> None:
    first, again = (draw("one", _CURVE, "c", "l").svg for _ in range(2))
    assert first == again
    assert all(found.startswith("one-") for found in re.findall(r'\bid="([^"]+)"', first))
    assert set(re.findall(r"url\(#([^)]+)\)", first)) <= set(re.findall(r'\bid="([^"]+)"', first))
