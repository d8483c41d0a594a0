"""The champion's record: what is missing, malformed or names a release that is not whole is refused by name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from slipway.errors import SlipwayError, UsageError
from slipway.release.champion import load_champion, recorded
from slipway.release.manifest import ReleaseBroken
from tests.conftest import ROOT
from tests.faults.workspace import PATHS, Workspace, finished, scratch, state

__all__ = ["finished"]


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The record of a copy of this monorepo's champion; the copy is the working folder."""
    shutil.copytree(ROOT / PATHS.champion, tmp_path / PATHS.champion)
    (tmp_path / PATHS.champion_record).parent.mkdir(parents=True)
    shutil.copy(ROOT / PATHS.champion_record, tmp_path / PATHS.champion_record)
    monkeypatch.chdir(tmp_path)
    return tmp_path / PATHS.champion_record


def test_the_recorded_champion_is_whole(record: Path) -> None:
    digest = recorded(PATHS)
    assert digest is not None
    reigning = load_champion(PATHS)
    assert reigning is not None
    assert reigning.digest == digest


def test_a_first_release_says_null(record: Path) -> None:
    record.write_text(f"champion: null\n{NOBODY}")
    assert load_champion(PATHS) is None


def test_a_missing_record(record: Path) -> None:
    record.unlink()
    with pytest.raises(UsageError, match=r"release\.yaml is missing") as caught:
        load_champion(PATHS)
    assert "champion: null" in caught.value.remedy


HEX = "c91445f0" * 8
NOBODY = "challenger: null\n"


def champion(release: str = HEX, image: str = "null") -> str:
    """The record of a champion and no challenger."""
    return f"champion: {{release: {release}, image: {image}}}\n{NOBODY}"


MALFORMED = {
    "empty": "",
    "a list": f"- {HEX}\n",
    "no mapping": HEX,
    "a digest alone, as it was once": f"champion: {HEX}\n{NOBODY}",
    "another key": champion().replace("champion", "champoin"),
    "no word on a challenger": "champion: null\n",
    "one key too many": f"{champion()}third: null\n",
    "a challenger without an image": f"champion: null\nchallenger: {{release: {HEX}, image: null, weight: 0}}\n",
    "too short": champion(HEX[:-1]),
    "too long": champion(f"{HEX}0"),
    "upper case": champion(HEX.upper()),
    "a path of 64 characters": champion(f"../{HEX[:61]}"),
    "a trailing line": champion(f'"{HEX[:-1]}\\n"'),
    "a trailing line after all": champion(f'"{HEX}\\n"'),
    "an image by its tag": champion(image="models/flight-delay:latest"),
    "a number": f"champion: 5\n{NOBODY}",
    "false": f"champion: false\n{NOBODY}",
    "not yaml": "champion: [\n",
    "a conflict marker": f"<<<<<<< HEAD\n{champion()}=======\n",
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_record(record: Path, content: str) -> None:
    record.write_text(content)
    with pytest.raises(UsageError) as caught:
        load_champion(PATHS)
    assert caught.value.exit_code == 2
    assert str(PATHS.champion_record) in caught.value.what
    assert caught.value.remedy


def test_a_digest_without_its_folder(record: Path) -> None:
    record.write_text(champion())
    with pytest.raises(ReleaseBroken, match=f"names champion {HEX}, but .* does not exist"):
        load_champion(PATHS)


def test_a_tampered_champion(record: Path) -> None:
    model = PATHS.champion / str(recorded(PATHS)) / "model.txt"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    with pytest.raises(SlipwayError, match=r"model\.txt has sha256") as caught:
        load_champion(PATHS)
    assert caught.value.exit_code == 3


def test_the_challenge_stage_s_process_is_exit_2_without_a_record(finished: Workspace) -> None:
    record = finished.top / PATHS.champion_record
    good, before = record.read_bytes(), state(finished.top / PATHS.challenge)
    record.unlink()
    try:
        done = finished.stage("challenge")
    finally:
        record.write_bytes(good)
    assert done.returncode == 2
    assert f"{PATHS.champion_record} is missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert state(finished.top / PATHS.challenge) == before is not None
    assert scratch(finished.top) == []
