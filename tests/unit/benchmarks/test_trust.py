"""What is measured is a release that is signed, scanned and verified in full; nothing is timed."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks import trust, workspace
from slipway.project import ModelPaths
from tests.conftest import MODEL


def test_a_release_is_signed_and_every_check_of_it_holds(release_folder: Path, tmp_path: Path) -> None:
    copy = workspace.copy(Path.cwd(), tmp_path)
    shutil.copytree(release_folder, copy.folder / ModelPaths(MODEL).releases / release_folder.name)
    trusted = trust.make(tmp_path / "trust", copy)
    assert f"{MODEL}.sig" in trusted.sign(MODEL).output
    trusted.scan(MODEL)
    said = trusted.verify(MODEL).output
    for check in ("signature", "statement", "verdicts", "source commit", "provenance", "advisories"):
        assert f"\n  {check} " in said
    assert "REFUSED" not in said
