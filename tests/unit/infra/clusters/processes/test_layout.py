"""Names that fit the kernel, and folders where the XDG specification has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.clusters.processes.layout import LONGEST_LINK_NAME, Layout
from infra.errors import UsageError


def test_a_short_stack_gives_its_name_to_the_link() -> None:
    assert Layout("local", Path("/state")).link == "slipway-local"


@pytest.mark.parametrize("stack", ["a", "staging", "a-stack-with-a-long-name-of-30", "x" * 30])
def test_every_name_of_a_link_fits_the_kernel(stack: str) -> None:
    link = Layout(stack, Path("/state")).link
    assert len(link) <= LONGEST_LINK_NAME
    assert link.startswith("slipway-")


def test_long_names_with_one_beginning_have_links_of_their_own() -> None:
    first, second = (Layout(f"a-name-that-is-long-{i}", Path("/state")).link for i in range(2))
    assert first != second


def test_the_folder_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/elsewhere")
    assert Layout.of("local").cluster == Path("/elsewhere/slipway/local/cluster")


@pytest.mark.parametrize("stack", ["", "Local", "../etc", "a/b", "1st", "a-", "x" * 31])
def test_a_name_that_cannot_be_one_is_refused(stack: str) -> None:
    with pytest.raises(UsageError):
        Layout.of(stack)
