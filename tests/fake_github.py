"""GitHub as far as its program shows it: tests/github/gh on PATH, and what it was asked to do."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

NAME = "acme/slipway"


@dataclass(frozen=True)
class FakeGitHub:
    """The repository acme/slipway, whose branches are those of a bare repository.

    Attributes:
        home: where ``gh`` keeps its state.
        env: the variables by which a process finds it.
    """

    home: Path
    env: dict[str, str]

    @classmethod
    def make(cls, home: Path, bare: Path) -> FakeGitHub:
        home.mkdir()
        path = f"{ROOT / 'tests/github'}{os.pathsep}{os.environ['PATH']}"
        return cls(home, {"PATH": path, "FAKE_GH": str(home), "FAKE_GH_REPOSITORY": str(bare), "GH_REPO": NAME})

    def enter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have this process find it."""
        for name, value in self.env.items():
            monkeypatch.setenv(name, value)

    def misbehave(self, fault: str) -> None:
        """See tests/github/gh; an empty text ends it."""
        (self.home / "fault").write_text(fault)

    @property
    def requests(self) -> list[dict[str, Any]]:
        """All pull requests, in the order in which they were opened."""
        return self._state()["requests"]

    @property
    def issues(self) -> list[dict[str, Any]]:
        return self._state()["issues"]

    @property
    def calls(self) -> list[list[str]]:
        """The arguments of each call."""
        return [json.loads(line) for line in (self.home / "calls.jsonl").read_text().splitlines()]

    def _state(self) -> Any:
        file = self.home / "state.json"
        return json.loads(file.read_text()) if file.exists() else {"requests": [], "issues": []}
