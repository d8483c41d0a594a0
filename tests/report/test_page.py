"""The report as people see it: in a browser, without a network, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from slipway.project import ModelPaths
from slipway.report import write
from slipway.report.page import SECTIONS
from tests.report import toy_run
from tests.report.browser import Browser, Page, chromium
from tests.report.looks import EMPTY_PICTURES, FAINT_TEXT, OPEN_ALL, OVERFLOWING


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def toy_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("toy")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(top)
        toy_run.lay_out(top)
        toy_run.crown(top, auc={"value": 0.1, "low": 0.05, "high": 0.2})
        toy_run.judge(top, "slices", passed=False, reason="A-reason-without-any-space-" * 12)
        write(toy_run.TOY, top / "report.html")
    return top / "report.html"


@pytest.fixture(scope="module")
def real_page(paths: ModelPaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page about the monorepo's own model, from what `make repro` left."""
    target = tmp_path_factory.mktemp("real") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(Path(__file__).resolve().parents[2])
        write(paths, target)
    return target


@pytest.fixture(params=["toy_page", "real_page"])
def file(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=[1280, 390])
def page(request: pytest.FixtureRequest, browser: Browser, file: Path) -> Page:
    opened = browser.page(request.param)
    opened.open(file)
    return opened


def _found(page: Page, expression: str) -> Any:
    return page.evaluate(expression)


def test_nothing_goes_wrong_and_nothing_but_the_file_is_asked_for(page: Page, file: Path) -> None:
    _found(page, OPEN_ALL)
    assert page.trouble == []
    assert page.requests == [file.as_uri()]


def test_all_sections_are_there(page: Page) -> None:
    shown = _found(
        page, "[...document.querySelectorAll('main section')].filter(o => o.offsetHeight > 60).map(o => o.id)"
    )
    assert shown == list(SECTIONS)


@pytest.mark.parametrize("opened", [False, True], ids=["as it opens", "all details open"])
def test_the_page_does_not_scroll_sideways(page: Page, opened: bool) -> None:
    if opened:
        _found(page, OPEN_ALL)
    assert _found(page, "document.documentElement.scrollWidth - innerWidth") <= 0
    assert _found(page, OVERFLOWING) == []


def test_every_picture_is_drawn(page: Page) -> None:
    assert _found(page, "document.querySelectorAll('svg').length") > 8
    assert _found(page, EMPTY_PICTURES) == []


def test_contents_stay_in_sight(page: Page) -> None:
    _found(page, "scrollTo(0, document.documentElement.scrollHeight / 2)")
    top = _found(page, "document.querySelector('.contents').getBoundingClientRect().top")
    assert 0 <= top < 40


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Browser, toy_page: Path, dark: bool) -> None:
    page = browser.page(1280)
    if dark:
        page.dark()
    page.open(toy_page)
    faint = page.evaluate(FAINT_TEXT)
    assert faint == []
    assert page.evaluate("getComputedStyle(document.querySelector('section')).backgroundColor") == (
        "rgb(23, 29, 38)" if dark else "rgb(255, 255, 255)"
    )
