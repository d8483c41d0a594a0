"""What production serves of the model, in several states of a roll-out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from slipway.release.record import Record
from slipway.rendering import served
from slipway.rendering.canary import Shadow
from slipway.rendering.served import Served
from tests import toy_platform
from tests.conftest import MODEL
from tests.toy_platform import IMAGES, RELEASES, ToyPlatform

ALONE = Record.model_validate({"champion": {"release": RELEASES[0], "image": IMAGES[0]}, "challenger": None})
TWO = Record.model_validate(
    {
        "champion": {"release": RELEASES[0], "image": IMAGES[0]},
        "challenger": {"release": RELEASES[1], "image": IMAGES[1], "weight": 25},
    }
)
AT_REST = Record.model_validate({**TWO.model_dump(), "challenger": {**TWO.model_dump()["challenger"], "weight": 0}})
SHADOW = Shadow(percent=25, pairs=100, differing=0.01, tolerance=1e-6, limit_seconds=600)


@pytest.fixture
def toy(tmp_path: Path) -> ToyPlatform:
    return toy_platform.make(tmp_path)


def shadowed(served: Served) -> Served:
    """The same with a shadow in its canary.yaml."""
    return replace(served, canary=served.canary.model_copy(update={"shadow": SHADOW}))


@pytest.fixture
def production(toy: ToyPlatform) -> Callable[[Record], Served]:
    """Write production's record and read what is served then."""

    def of(record: Record) -> Served:
        record.write(toy.top / served.folder("production", MODEL) / "release.yaml")
        return served.read("production", MODEL, toy.top)

    return of
