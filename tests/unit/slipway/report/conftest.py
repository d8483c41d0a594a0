from __future__ import annotations

from pathlib import Path

import pytest

from tests.report import toy_run


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A monorepo of its own, in which the model toy has run; it is the working folder."""
    monkeypatch.chdir(tmp_path)
    toy_run.lay_out(tmp_path)
    return tmp_path
