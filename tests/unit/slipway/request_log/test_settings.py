"""The default spool is in the user's state folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.request_log.settings import Settings


def test_the_spool_is_below_the_state_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert Settings().spool == tmp_path / "slipway" / "request_log"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings().spool == tmp_path / ".local" / "state" / "slipway" / "request_log"
