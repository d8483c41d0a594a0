"""The page stands alone: no network, no script, nothing unescaped."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.errors import EnvironmentFault
from slipway.explain import Explanation, page


@pytest.fixture(scope="module")
def html(found: Explanation) -> str:
    return page.render(found)


def test_the_answer_the_reasons_and_every_figure_are_on_it(html: str, found: Explanation) -> None:
    assert repr(found.score) in html
    assert found.release.digest in html
    assert "late = false: late_probability is 18.7 %" in html
    assert all(f'<th scope="row">{feature.name}</th>' in html for feature in found.features)
    assert html.count("<svg") == 2


def test_it_needs_no_network_and_no_script(html: str) -> None:
    assert "<script" not in html
    assert "default-src 'none'" in html
    assert not re.findall(r'(?:src|href)="(?!#|data:)[^"]*"', html)
    assert "http" not in re.sub(r"http-equiv", "", html)


def test_equal_explanations_give_equal_bytes(html: str, found: Explanation) -> None:
    assert page.render(found) == html


def test_what_comes_from_a_request_is_escaped(found: Explanation) -> None:
    first = replace(found.checked[0], value="<b>bold</b>")
    assert "<b>bold" not in page.render(replace(found, checked=[first, *found.checked[1:]]))


def test_written_whole_or_refused(found: Explanation, html: str, tmp_path: Path) -> None:
    page.write(found, tmp_path / "new" / "why.html")
    assert (tmp_path / "new" / "why.html").read_text() == html
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentFault, match="could not be written"):
        page.write(found, tmp_path / "file" / "why.html")
