"""Releases that were signed in the past verify for ever, as of their time; and still prove something."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from slipway import cli
from slipway.release.manifest import MANIFEST

FOLDERS = sorted(path.parents[1] for path in Path(__file__).parent.glob(f"*/*/{MANIFEST}"))


def _verify(monkeypatch: pytest.MonkeyPatch, folder: Path, release: Path, *more: str) -> int:
    monkeypatch.setattr("sys.argv", ["slipway", "verify", str(release), "--key", str(folder / "key.pem.pub"), *more])
    try:
        cli.main()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def _release(folder: Path) -> Path:
    (manifest,) = folder.glob(f"*/{MANIFEST}")
    return manifest.parent


def _at(folder: Path, days: int) -> tuple[str, str]:
    """So many days after the release was signed."""
    return "--at", (datetime.fromisoformat(folder.name) + timedelta(days=days)).isoformat()


def test_there_is_one() -> None:
    assert FOLDERS


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_verifies_as_of_its_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _verify(monkeypatch, folder, _release(folder), *_at(folder, 1)) == 0
    shown = capsys.readouterr().out
    for check in ("manifest", "signature", "statement", "verdicts", "provenance", "advisories"):
        assert f"\n  {check} " in shown
    assert "REFUSED" not in shown


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_today_its_scan_is_stale(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _verify(monkeypatch, folder, _release(folder), *_at(folder, 3650)) == 1
    assert "The scan is 36" in capsys.readouterr().err


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_one_changed_byte_is_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / folder.name))
    with (_release(copy) / "model.txt").open("ab") as file:
        file.write(b" ")
    assert _verify(monkeypatch, copy, _release(copy), *_at(folder, 1)) == 3
    assert "model.txt has sha256" in capsys.readouterr().err
