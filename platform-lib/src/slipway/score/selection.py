"""A pytest plugin: ``-p slipway.score.selection --only FILE`` runs just the tests that FILE lists, one a line.

Naming them as arguments would not do: one that is gone would keep all others from running.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.score.testing import covers


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only", metavar="FILE", required=True, help="file that lists the tests to run, one a line")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = Path(config.getoption("--only")).read_text().splitlines()
    kept = [item for item in items if any(covers(node, item.nodeid) for node in wanted)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept
