from __future__ import annotations

from pathlib import Path

import pytest

from infra import paths
from infra.errors import UsageError


@pytest.mark.parametrize("name", ["local", "a", "team-2"])
def test_a_good_name_of_a_stack(name: str) -> None:
    paths.check_stack_name(name)


@pytest.mark.parametrize("name", ["", "Local", "../x", "a/b", "-a", "a-", "2a", "a" * 31, "a b"])
def test_a_bad_name_of_a_stack(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a stack"):
        paths.check_stack_name(name)


def test_stacks_are_known_by_their_folders(home: Path) -> None:
    assert paths.known_stacks() == []
    for name in ("b", "a", "request_log"):
        (paths.state_folder(name) / "cluster").mkdir(parents=True)
    paths.state_folder("spool").mkdir()
    (paths.state_root() / ".b.lock").touch()
    assert paths.known_stacks() == ["a", "b"]
    assert paths.state_folder("a") == home / "state" / "slipway" / "a"
