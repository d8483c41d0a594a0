"""What every test may ask for: the monorepo as the working folder, and what `make repro` left in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slipway.configuration import ModelParams, load
from slipway.project import ModelPaths
from tests.live_server import LiveServer

ROOT = Path(__file__).resolve().parents[1]
MODEL = "flight_delay"


@pytest.fixture(autouse=True)
def _at_the_top(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="session")
def model_params() -> ModelParams:
    return load(MODEL, ROOT / "params.yaml")


@pytest.fixture(scope="session")
def paths() -> ModelPaths:
    """The model's paths; tests run at the top folder."""
    return ModelPaths(MODEL)


@pytest.fixture(scope="session")
def release_folder() -> Path:
    """The release that `make repro` made."""
    found = list((ROOT / ModelPaths(MODEL).releases).glob("*/manifest.json"))
    assert len(found) == 1, "There is no release: run `make repro` first."
    return found[0].parent


@pytest.fixture(scope="session")
def server(release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A live server of the release, shared by all tests of the session."""
    with LiveServer(release_folder, log=tmp_path_factory.mktemp("server") / "log") as live:
        yield live
