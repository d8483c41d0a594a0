"""The release that `make repro` made, and the explanation of its example."""

from __future__ import annotations

from pathlib import Path

import pytest

from slipway.explain import Explanation, explain, question
from slipway.release import Release, load


@pytest.fixture(scope="session")
def release(release_folder: Path) -> Release:
    return load(release_folder)


@pytest.fixture(scope="session")
def found(release: Release) -> Explanation:
    return explain(release, question.example(release))
