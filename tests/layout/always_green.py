"""A pytest plugin that replaces one gate's ``judge`` by one that is always green: `--always-green GATE`."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from slipway.gates.verdict import Verdict


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--always-green", metavar="GATE")


def pytest_configure(config: pytest.Config) -> None:
    gate = config.getoption("--always-green")
    module = importlib.import_module(f"slipway.gates.{gate}")

    def judge(*_: Any, **__: Any) -> Verdict:
        return Verdict(gate, passed=True, reason="always green", figures=_Anything(), thresholds={})

    module.judge = judge  # type: ignore[attr-defined]


class _Anything(dict[str, Any]):
    """Figures in which every key is there, so that a test fails by its assertion and not by a missing key."""

    def __missing__(self, key: str) -> _Anything:
        return _Anything()
