"""The page of roll-outs as people see it: in a browser, without a network, on a desk, on a phone and on paper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.canary.decision import Action, Decision
from slipway.status import page as pages
from slipway.status.rollouts import grouped
from slipway.status.standing import Application, Standing, Status, Unasked
from tests import rollouts
from tests.report.browser import Browser, Page, chromium
from tests.report.looks import EMPTY_PICTURES, FAINT_TEXT, OVERFLOWING
from tests.rollouts import COMMIT, HOSTILE, NOON

# Words without a place to break, of whoever commits.
LONG = "A-reason-without-any-space-" * 12


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a roll-out, one that is over, a model whose files are nonsense, and words of all kinds."""
    decision = Decision(Action.ROLL_BACK, 0, LONG, rollouts.findings(errors=80.0, latency=3.0))
    known = rollouts.seen(decision=decision, application=Application("OutOfSync", "Degraded", HOSTILE))
    past = grouped(rollouts.events(), rollouts.challenger("d" * 64))
    rejected = (rollouts.rejected(), rollouts.rejected(LONG))
    standings = (
        Standing("staging", "flight_delay", None, rollouts.canary(), past=past[1:], faults=(LONG, "another fault")),
        rollouts.standing(known=known, past=past, rejected=rejected),
        replace(rollouts.standing(0), model="other"),
    )
    status = Status("platform", COMMIT, standings, (Unasked("Prometheus", HOSTILE), Unasked("Argo CD", LONG)))
    target = tmp_path_factory.mktemp("page") / "status.html"
    pages.write(status, NOON, target)
    return target


@pytest.fixture(params=[1280, 360])
def page(request: pytest.FixtureRequest, browser: Browser, file: Path) -> Page:
    opened = browser.page(request.param)
    opened.open(file)
    return opened


def test_nothing_goes_wrong_and_nothing_but_the_file_is_asked_for(page: Page, file: Path) -> None:
    assert page.trouble == []
    assert page.requests == [file.as_uri()]


def test_all_rows_and_roll_outs_are_visible(page: Page) -> None:
    seen = "[...document.querySelectorAll('{}')].filter(one => one.offsetHeight > 10).length"
    assert page.evaluate(seen.format("#now tbody tr")) == 3
    assert page.evaluate(seen.format("article")) == 7
    # Two tables of what is now, and one of findings for each event that has some.
    assert page.evaluate(seen.format("article tbody tr")) == 3 * (5 + 4)
    assert page.evaluate(seen.format(".weights li")) == (1 + 4 + 3) + (1 + 4 + 3 + 2)
    assert page.evaluate("document.querySelectorAll('details, script').length") == 0


def test_the_page_does_not_scroll_sideways(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(OVERFLOWING) == []


def test_every_picture_is_drawn_and_said(page: Page) -> None:
    assert page.evaluate("document.querySelectorAll('svg').length") == 5
    assert page.evaluate(EMPTY_PICTURES) == []
    assert page.evaluate("[...document.querySelectorAll('svg')].every(one => one.ariaLabel.includes('e-value'))")


def test_every_part_has_a_name_of_its_own(page: Page) -> None:
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))
    named = "[...document.querySelectorAll('[aria-labelledby]')].map(one => one.getAttribute('aria-labelledby'))"
    assert set(page.evaluate(named)) <= set(ids)
    links = "[...document.querySelectorAll('a')].map(one => one.getAttribute('href').slice(1))"
    assert set(page.evaluate(links)) <= set(ids)
    assert page.evaluate("[...document.querySelectorAll('th')].every(one => one.scope)")


def test_the_keyboard_reaches_what_scrolls(page: Page) -> None:
    scrolling = "[...document.querySelectorAll('.scroll')]"
    assert page.evaluate(f"{scrolling}.every(one => one.tabIndex === 0 && one.ariaLabel)")
    page.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", windowsVirtualKeyCode=9)
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().height") > 20


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_its_ground(browser: Browser, file: Path, dark: bool) -> None:
    page = browser.page(1280)
    if dark:
        page.dark()
    page.open(file)
    assert page.evaluate(FAINT_TEXT) == []


def test_on_paper_everything_but_the_contents_is_there(browser: Browser, file: Path) -> None:
    page = browser.page(800)
    page.call("Emulation.setEmulatedMedia", media="print")
    page.open(file)
    assert page.evaluate("getComputedStyle(document.querySelector('.contents')).display") == "none"
    assert page.evaluate("[...document.querySelectorAll('section')].every(one => one.offsetHeight > 60)")
