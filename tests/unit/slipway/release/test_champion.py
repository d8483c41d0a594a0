"""The champion is the release that the record names; tests/faults/test_champion_record.py has the broken ones."""

from __future__ import annotations

import shutil
from typing import Any

from slipway.project import ModelPaths
from slipway.release.champion import load_champion, recorded
from slipway.release.package import package


def test_the_recorded_release_is_loaded(here: ModelPaths, params: dict[str, Any]) -> None:
    digest = package(here, params)
    shutil.copytree(here.releases / digest, here.champion / digest)
    here.champion_record.parent.mkdir(parents=True)
    here.champion_record.write_text(f"champion: {{release: {digest}, image: null}}\nchallenger: null\n")
    assert recorded(here) == digest
    champion = load_champion(here)
    assert champion is not None
    assert champion.folder == (here.champion / digest).resolve()


def test_a_first_release_has_none(here: ModelPaths) -> None:
    here.champion_record.parent.mkdir(parents=True)
    here.champion_record.write_text("champion: null\nchallenger: null\n")
    assert recorded(here) is None
    assert load_champion(here) is None
